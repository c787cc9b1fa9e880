#include "cli/message_options.hpp"

#include "base/error.hpp"
#include "base/split_list.hpp"
#include "base/text.hpp"

namespace sockx {

Framing parse_framing(const std::string& word) {
  if (word == "line") return {Framing::Kind::line};
  if (word == "len32") return {Framing::Kind::len32};
  if (word == "all") return {Framing::Kind::all};
  if (word.starts_with("size=")) {
    const auto size = parse_size(word.substr(5));
    if (size > 0) return {Framing::Kind::size, static_cast<std::size_t>(size)};
  }
  throw BadInput(text("'{}': framing is line, size=N, len32 or all", word));
}

void add_message_flags(Flags& flags, const std::string& name, int& target, std::span<const MessageFlag> known,
                       const std::string& help) {
  const auto read = [&target, known](const std::string& list) {
    for (const auto& word : split_list(list)) {
      std::vector<std::string> words;
      bool found = false;
      for (const auto& flag : known) {
        words.emplace_back(flag.name);
        if (flag.name != word) continue;
        target |= flag.number;
        found = true;
      }
      if (!found) throw_bad_choice(word, words);
    }
  };
  flags.add_value(name, "FLAG[,FLAG...]", read, help);
}

}  // namespace sockx
