#include "cli/flags.hpp"

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>

#include <algorithm>

#include "os/digits.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

std::string Flag::name() const { return option_->get_name(); }

Flag Flag::option_text(const std::string& shown) const { return Flag(*option_->option_text(shown)); }

Flag Flag::group(const std::string& title) const { return Flag(*option_->group(title)); }

Flag Flag::required(bool is_required) const { return Flag(*option_->required(is_required)); }

Flag Flag::repeatable() const { return Flag(*option_->allow_extra_args(false)->trigger_on_parse()); }

Flag Flag::not_empty() const {
  const auto objection = [](const std::string& word) { return word.empty() ? "'': say something" : ""; };
  return Flag(*option_->check(CLI::Validator(objection, "", "")));
}

template <class Number>
Flag Flag::within(Number low, Number high) const {
  const auto objection = [low, high](const std::string& word) {
    const auto number = number_in<Number>(word);
    return number && *number >= low && *number <= high
               ? ""
               : text("'{}': say a number from {} to {}", word, low, high);
  };
  return Flag(*option_->check(CLI::Validator(objection, "", "")));
}

Flag Flag::range(int low, int high) const { return within(low, high); }

Flag Flag::range(unsigned low, unsigned high) const { return within(low, high); }

Flag Flag::needs(Flag other) const { return Flag(*option_->needs(other.option_)); }

Flag Flag::needs(const std::string& name) const { return Flag(*option_->needs(name)); }

Flag Flag::excludes(Flag other) const { return Flag(*option_->excludes(other.option_)); }

Flag Flag::excludes(const std::string& name) const { return Flag(*option_->excludes(name)); }

Flag Flags::add_flag(const std::string& names, bool& target, const std::string& help) {
  return Flag(*app_.add_flag(names, target, help));
}

Flag Flags::add_flag(const std::string& names, std::function<void()> act, const std::string& help) {
  return Flag(*app_.add_flag_callback(names, std::move(act), help));
}

Flag Flags::add_flag(const std::string& names, std::string& target, const std::string& help) {
  return Flag(*app_.add_flag(names, target, help));
}

template <class T>
Flag Flags::add_option(const std::string& names, T& target, const std::string& help) {
  auto* const option = app_.add_option(names, target, help);
  if constexpr (std::is_same_v<T, std::vector<std::string>>) option->allow_extra_args(false);  // one a time
  return Flag(*option);
}

template Flag Flags::add_option(const std::string&, std::string&, const std::string&);
template Flag Flags::add_option(const std::string&, std::optional<std::string>&, const std::string&);
template Flag Flags::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Flag Flags::add_option(const std::string&, int&, const std::string&);
template Flag Flags::add_option(const std::string&, std::optional<int>&, const std::string&);
template Flag Flags::add_option(const std::string&, unsigned&, const std::string&);
template Flag Flags::add_option(const std::string&, std::optional<unsigned>&, const std::string&);
template Flag Flags::add_option(const std::string&, std::uint64_t&, const std::string&);
template Flag Flags::add_option(const std::string&, std::optional<std::uint64_t>&, const std::string&);

Flag Flags::add_option_function(const std::string& names, std::function<void(const std::string&)> take,
                                const std::string& help) {
  return Flag(*app_.add_option_function<std::string>(names, take, help));
}

Flag Flags::add_read(const std::string& names, std::function<void(const std::string&)> read,
                     const std::string& help) {
  const auto name = names.substr(names.rfind(',') + 1);
  const auto named = [read = std::move(read), name](const std::string& word) {
    try {
      read(word);
    } catch (const BadInput& error) {
      throw BadInput(text("{}: {}", name, error.what()));
    }
  };
  return add_option_function(names, named, help);
}

Flag Flags::add_duration(const std::string& names, std::optional<Duration>& target, const std::string& help) {
  const auto read = [&target](const std::string& word) { target = parse_duration(word); };
  return add_read(names, read, help).option_text("DURATION");
}

Flag Flags::add_count(const std::string& names, std::optional<std::uint64_t>& target,
                      const std::string& help) {
  const auto read = [&target](const std::string& word) {
    target = is_all_digits(word) ? number_in<std::uint64_t>(word) : std::nullopt;
    if (!target || *target == 0) throw BadInput(text("'{}': say a number from 1 on", word));
  };
  return add_read(names, read, help).option_text("N");
}

Flag Flags::add_size(const std::string& names, std::optional<std::uint64_t>& target,
                     const std::string& help) {
  const auto read = [&target](const std::string& word) { target = parse_size(word); };
  return add_read(names, read, help).option_text("SIZE");
}

Flag Flags::add_one_of(const std::string& name, const std::vector<std::string>& words,
                       std::function<void(std::size_t)> choose, const std::string& help) {
  std::string shown;
  for (const auto& word : words) shown += (shown.empty() ? "" : "|") + word;
  const auto take = [choose = std::move(choose), words, name](const std::string& word) {
    const auto found = std::find(words.begin(), words.end(), word);
    if (found == words.end()) throw_bad_choice(name, word, words);
    choose(static_cast<std::size_t>(found - words.begin()));
  };
  return add_option_function(name, take, help).option_text(shown);
}

Flag Flags::add_constant(const std::string& name, int& target, const NameTable& table,
                         const std::string& help) {
  const auto read = [&target, &table](const std::string& word) { target = table.parse(word); };
  return add_read(name, read, help);
}

Flag Flags::add_constants(const std::string& name, int& target, const NameTable& table,
                          const std::string& help) {
  const auto read = [&target, &table](const std::string& list) { target = table.parse_flags(list); };
  return add_read(name, read, help).option_text("FLAG[,FLAG...]");
}

Flag Flags::add_words(std::vector<std::string>& words, int most, const std::string& shown) {
  // Not one option with a vector: CLI11 would take a word like [a,b] for a list.
  const auto take = [&words](const std::string& word) { words.push_back(word); };
  const auto first = add_option_function(shown, take, "").option_text(shown).required();
  for (int i = 2; i <= most; ++i) add_option_function(text("word {}", i), take, "").option_text("");
  return first;
}

Flag Flags::add_word_list(std::vector<std::string>& words, const std::string& shown) {
  // Not a vector, nor extra arguments: CLI11 would read [a,b] as two words, and {} as none.
  const auto take = [&words](const CLI::results_t& given) {
    words = given;
    return true;
  };
  constexpr int most = 1'000'000;  // those that are not there are not missed
  return Flag(*app_.add_option(shown, take)
                   ->option_text(shown)
                   ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                   ->expected(most));
}

void Flags::set_examples(const std::vector<std::pair<std::string, std::string>>& examples) {
  std::string shown = "Examples:";
  for (const auto& [command, meaning] : examples) shown += text("\n  {}\n      {}", command, meaning);
  app_.footer(shown + "\n\nEndpoints, durations, sizes, global options and exit statuses: man sockx");
}

Flag Flags::get(const std::string& name) const { return Flag(*app_.get_option(name)); }

std::vector<Flag> Flags::all() const {
  std::vector<Flag> flags;
  for (auto* const option : app_.get_options()) flags.emplace_back(*option);
  return flags;
}

HelpSection::HelpSection(const Flags& flags, std::string title)
    : flags_(flags), title_(std::move(title)), first_(flags.all().size()) {}

HelpSection::~HelpSection() {
  const auto flags = flags_.all();
  for (auto i = first_; i < flags.size(); ++i) flags[i].group(title_);
}

void throw_bad_choice(const std::string& option, const std::string& word,
                      const std::vector<std::string>& choices) {
  std::string list;
  for (std::size_t i = 0; i < choices.size(); ++i)
    list += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  throw BadInput(text("{}: '{}': say {}", option, word, list));
}

}  // namespace sockx
