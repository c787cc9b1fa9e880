#include "cli/flag_groups.hpp"

#include <sys/socket.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"

namespace sockx {

void add_network_flags(Flags& flags, NetworkOptions& options, bool for_stream) {
  const auto four = flags.add_flag(
      "-4", [&options] { options.family = AF_INET; }, "use IPv4 only");
  const auto six = flags.add_flag(
      "-6", [&options] { options.family = AF_INET6; }, "use IPv6 only");
  six.excludes(four);
  flags.add_flag("-n,--numeric", options.numeric, "do not look up names: the host must be an address");
  const auto read_source = [&options, for_stream](const std::string& word) {
    options.source = Source::parse(word, for_stream ? "tcp" : "udp");
  };
  flags.add_value("--source", "ADDR|:PORT|ADDR:PORT", read_source,
                  "the local address, port or both; when listening, only an address", ValueKind::host);
  flags.add_text("--interface", options.interface, "DEV", "use this network interface only",
                 ValueKind::interface);
  const auto read_setting = [&options, for_stream](const std::string& word) {
    options.settings.push_back(OptionSetting::parse(word, for_stream));
  };
  flags
      .add_value("--opt", "NAME=VALUE", read_setting, "set a socket option (repeatable)",
                 ValueKind::socket_option)
      .repeatable();
}

void add_stream_flags(Flags& flags, StreamOptions& options) {
  add_network_flags(flags, options, true);
  flags.add_flag("--mptcp", options.mptcp, "use Multipath TCP if the peer supports it");
  flags.add_text("--congestion", options.congestion, "NAME",
                 "congestion control algorithm (default: the system's; reno if both ends are on this host)",
                 ValueKind::congestion);
}

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
  std::vector<std::string> names;
  names.reserve(known.size());
  for (const auto& flag : known) names.emplace_back(flag.name);
  flags.add_value(name, "FLAG[,FLAG...]", read, help, ValueKind::list).choices(std::move(names));
}

}  // namespace sockx
