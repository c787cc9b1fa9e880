#include "app/hints.hpp"

#include <netdb.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/words.hpp"

namespace sockx {

namespace {

struct OptionHint {
  std::string_view commands;  // separated by blanks, `none` if none is named; empty: any
  std::string_view option;
  std::string_view say;
};

constexpr std::string_view tls_client = "say `sockx connect --tls HOST PORT`";
constexpr std::string_view tls_server = "say `sockx listen --tls PORT`";
constexpr std::string_view by_proxy = "say --proxy socks5h://HOST:PORT, or http://HOST:PORT for CONNECT";
constexpr std::string_view by_proxy_or_dump =
    "say --proxy socks5h://HOST:PORT, or http://HOST:PORT for CONNECT; for a hexdump, as with ncat -x FILE, "
    "say --hexdump=FILE";
constexpr std::string_view any_stream = "none connect listen send-file recv-file";
constexpr std::string_view no_udp_check =
    "UDP ports cannot be checked: a closed and a silent one look alike; send something by `sockx udp HOST "
    "PORT`";

constexpr std::string_view of_streams = "connect listen send-file recv-file relay";

/// The first row that fits is taken.
constexpr std::array option_hints{
    OptionHint{"udp", "-l", "say --listen: `sockx udp --listen PORT`"},
    OptionHint{"udp", "-u", "leave it out: `sockx udp` speaks UDP"},
    OptionHint{"relay", "-l", "say the end listen:PORT"},
    OptionHint{"relay", "--listen", "say the end listen:PORT"},
    OptionHint{"relay", "--exec", "say the end exec, and the program after the ends: `-- PROGRAM ARG...`"},
    OptionHint{"relay", "--sh", "say the end sh:COMMAND"},
    OptionHint{"relay", "--tls", "say the end tls:ENDPOINT, or listen:tls:ENDPOINT"},
    OptionHint{"relay", "--forward", "say the second end, as in `sockx relay -k listen:PORT HOST:PORT`"},
    OptionHint{"relay", "--tee-in", "say --tee-b, for what B says"},
    OptionHint{"relay", "--tee-out", "say --tee-a, for what A says"},
    OptionHint{"", "-l", "use `sockx listen PORT`"},
    OptionHint{"connect send-file udp", "-p",
               "to send from port N say --source :N; the other port is a word"},
    OptionHint{"", "-p", "the port is a word of its own: `sockx listen PORT`"},
    OptionHint{"udp", "-z", no_udp_check},
    OptionHint{"", "-z", "use `sockx connect --check HOST PORT`, or --scan for several ports"},
    OptionHint{"listen", "-u", "use `sockx udp --listen PORT`"},
    OptionHint{"", "-u", "use `sockx udp HOST PORT`"},
    OptionHint{"listen recv-file", "-w", "use --accept-timeout, or --idle-timeout for silence"},
    OptionHint{"udp raw", "-w", "use --reply-timeout, or --idle-timeout for silence"},
    OptionHint{"none", "-w", "say a subcommand: `sockx connect -w DURATION HOST PORT`"},
    OptionHint{"", "-N", "leave it out: the end of standard input always becomes FIN"},
    OptionHint{"connect listen send-file", "-q",
               "leave it out, or use --eof-timeout DURATION, which ends with status 5: the end of standard "
               "input becomes FIN"},
    OptionHint{"udp", "-q", "leave it out, or use --reply-timeout DURATION"},
    OptionHint{"connect listen", "-e", "use --exec -- PROGRAM ARG..., or --sh COMMAND"},
    OptionHint{"udp", "-e", "use --listen with --exec -- PROGRAM ARG..., or --sh COMMAND"},
    OptionHint{"connect listen", "-c", "use --sh COMMAND"},
    OptionHint{"udp", "-c", "use --listen with --sh COMMAND"},
    OptionHint{"connect listen", "--sh-exec", "use --sh COMMAND"},
    OptionHint{"connect listen", "-C", "use --crlf"},
    OptionHint{"connect listen", "-d", "use --recv-only, which reads no standard input"},
    OptionHint{"connect listen", "-o", "for a hexdump say --hexdump=FILE"},
    OptionHint{"recv-file", "-o", "say -o FILE"},
    OptionHint{"connect listen send-file recv-file udp raw", "-s", "use --source ADDRESS"},
    OptionHint{"connect listen send-file recv-file udp raw", "--bind", "use --source ADDRESS"},
    OptionHint{"", "-U", "the endpoint is `unix:PATH`"},
    OptionHint{"none connect listen", "-x", by_proxy_or_dump},
    OptionHint{any_stream, "-x", by_proxy},
    OptionHint{any_stream, "-X", by_proxy},
    OptionHint{any_stream, "--proxy-type", by_proxy},
    OptionHint{any_stream, "--socks", by_proxy},
    OptionHint{"send-file", "--ssl", "say `sockx send-file --tls FILE HOST PORT`"},
    OptionHint{"recv-file", "--ssl", "say `sockx recv-file --tls -o FILE PORT`"},
    OptionHint{"listen", "--ssl", tls_server},
    OptionHint{"none connect", "--ssl", tls_client},
    OptionHint{"none", "--tls", tls_client},
    OptionHint{"", "--sctp", "sockx does not speak SCTP; there are TCP, UDP and Unix sockets"},
    OptionHint{"connect send-file recv-file", "--timeout",
               "say --connect-timeout, --idle-timeout or --deadline"},
    OptionHint{"listen", "--timeout", "say --accept-timeout, --idle-timeout or --deadline"},
    OptionHint{"udp raw", "--timeout", "say --reply-timeout, --idle-timeout or --deadline"},
    OptionHint{of_streams, "--nodelay", "say --opt nodelay=on"},
    OptionHint{of_streams, "--keepalive", "say --opt keepalive=on"},
    OptionHint{"connect listen send-file relay udp", "--limit", "say --rate"},
    OptionHint{"connect listen send-file relay udp", "--bwlimit", "say --rate"},
    OptionHint{"listen", "--udp", "use `sockx udp --listen PORT`"},
    OptionHint{"connect send-file relay", "--udp", "use `sockx udp HOST PORT`"},
    OptionHint{"recv-file", "--udp", "use `sockx udp --listen PORT`"},
    OptionHint{"udp", "--udp", "leave it out: `sockx udp` speaks UDP"},
    OptionHint{of_streams, "--tcp", "leave it out: TCP is the default"},
    OptionHint{"", "--ipv4", "say -4"},
    OptionHint{"", "--ipv6", "say -6"},
    OptionHint{"connect send-file udp", "--port", "leave it out: say HOST PORT, each as a word of its own"},
    OptionHint{"connect send-file udp", "--host", "leave it out: say HOST PORT, each as a word of its own"},
    OptionHint{"listen", "--port", "the port is a word of its own: `sockx listen PORT`"},
    OptionHint{"recv-file", "--port", "the port is a word of its own: `sockx recv-file PORT`"},
    OptionHint{"connect listen", "--output",
               "what is received goes to standard output: add `> FILE`, or say --tee-in FILE to see it too"},
    OptionHint{"connect listen", "--input", "what is sent comes from standard input: add `< FILE`"},
    OptionHint{of_streams, "--proxy-user", "say --proxy-auth USER:PASSWORD, or --proxy-auth-file FILE"},
};

/// A subcommand of other tools, the command of sockx, its endpoint, and an alternative.
struct WordHint {
  std::string_view word, command, endpoint, or_else = "";
};
constexpr std::array word_hints{
    WordHint{"send", "send-file", "FILE HOST PORT", ", or `sockx connect HOST PORT`"},
    WordHint{"recv", "recv-file -o FILE", "PORT", ", or `sockx listen PORT`"},
    WordHint{"receive", "recv-file -o FILE", "PORT", ", or `sockx listen PORT`"},
    WordHint{"check", "connect --check", "HOST PORT"},
    WordHint{"scan", "connect --scan", "HOST PORTS"},
    WordHint{"server", "listen -k", "PORT"},
    WordHint{"serve", "listen -k", "PORT"},
    WordHint{"bind", "listen", "PORT"},
    WordHint{"accept", "listen", "PORT"},
    WordHint{"chat", "listen --chat", "PORT"},
    WordHint{"broker", "listen --broker", "PORT"},
    WordHint{"echo", "listen -k --handler echo", "PORT"},
    WordHint{"client", "connect", "HOST PORT"},
    WordHint{"version", "--version", ""},
};

/// Words whose hints do not repeat the other typed words.
constexpr std::array said_words{
    std::pair<std::string_view, std::string_view>{"forward",
                                                  "say `sockx listen --keep-open --forward HOST:PORT PORT`"},
};

std::string_view say_of_option(std::string_view command, std::string_view option) {
  for (const auto& hint : option_hints)
    if (hint.option == option && (hint.commands.empty() || is_among(command, hint.commands))) return hint.say;
  return "";
}

bool is_port(const std::string& word) {
  return (word.size() <= 5 && is_all_digits(word)) || getservbyname(word.c_str(), "tcp") != nullptr;
}

/// Whether nc's letters among the words have all of these.
bool has_letters(const std::vector<std::string>& words, std::string_view letters) {
  std::string typed;
  for (const auto& word : words)
    if (word.starts_with('-') && !word.starts_with("--")) typed += word;
  return std::ranges::all_of(letters, [&](char letter) { return typed.find(letter) != std::string::npos; });
}

/// The first two words that are a host and a port, or `listen` and a port, as an end of a relay; or nothing.
std::string end_of_two_words(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const auto &host = words[i], &port = words[i + 1];
    const bool is_pair = is_port(port) && !host.starts_with('-') && host != "exec" && host != "pty";
    if (!is_pair || is_port(host)) continue;
    const auto colons = std::ranges::count(host, ':');
    if (colons == 0 || host == "tls:") return text("{}:{}", host, port);
    if (colons > 1 && host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string::npos)
      return text("[{}]:{}", host, port);
  }
  return "";
}

constexpr std::string_view users_of_proxy_server =
    "a proxy server has its users in a file: say --proxy-auth-file FILE, with a line USER:PASSWORD for each";

bool is_proxy_server(const std::vector<std::string>& words) {
  const auto handler = std::ranges::find(words, "--handler");
  const bool is_separate = handler != words.end() && handler + 1 != words.end() && *(handler + 1) == "proxy";
  return is_separate || std::ranges::find(words, "--handler=proxy") != words.end();
}

bool ends_with_port(const std::string& word) {
  const auto colon = word.rfind(':');
  return colon != std::string::npos && colon > 0 && is_port(word.substr(colon + 1));
}

}  // namespace

std::string hint_for_option(std::string_view command, std::string_view option,
                            const std::vector<std::string>& words, const OptionLookup& takes_value) {
  option = option.substr(0, option.find('='));
  const bool are_letters = !option.starts_with("--") && option.size() > 2;
  std::string say;
  if (has_letters(words, "zu"))
    say = no_udp_check;
  else if (option == "--proxy-user" && is_proxy_server(words))
    say = users_of_proxy_server;
  else if (are_letters || (command.empty() && !option.starts_with("--")))
    say = from_nc(command, words, takes_value);
  if (say.starts_with("sockx")) say = text("use `{}`", say);
  if (say.empty()) say = say_of_option(command.empty() ? "none" : command, option);
  std::string letter = "-?";  // the first that is known
  for (std::size_t i = 1; are_letters && say.empty() && i < option.size(); ++i) {
    letter[1] = option[i];
    say = say_of_option(command.empty() ? "none" : command, letter);
    if (!say.empty()) option = letter;
  }
  return say.empty() ? "" : text("{}: {}", option, say);
}

std::string hint_for_missing_command(const std::string& option, const std::vector<std::string>& words,
                                     const OptionLookup& takes_value) {
  const auto command = from_nc("", words, takes_value);
  if (command.empty()) return "";
  return text("{}: it belongs after a subcommand: `{}`", option.substr(0, option.find('=')), command);
}

std::string hint_for_command(const std::vector<std::string>& words) {
  const auto& word = words.front();
  const auto refusal = [&word](std::string_view say) {
    return text("'{}': no such subcommand; {}", word, say);
  };
  for (const auto& [name, say] : said_words)
    if (name == word) return refusal(say);
  for (const auto& hint : word_hints)
    if (hint.word == word) {
      auto say = text("say `sockx {}", hint.command);
      const std::vector<std::string> typed(words.begin() + 1, words.end());
      if (hint.endpoint.empty()) return refusal(say + '`');
      if (typed.empty()) return refusal(text("{} {}`{}", say, hint.endpoint, hint.or_else));
      for (const auto& another : typed) say += ' ' + another;
      return refusal(text("{}`{}", say, hint.or_else));
    }
  if (is_among(word.substr(0, word.find(':')), "OPENSSL OPENSSL-CONNECT SSL")) return refusal(tls_client);
  if (is_among(word.substr(0, word.find(':')), "OPENSSL-LISTEN SSL-LISTEN")) return refusal(tls_server);
  const auto from_addresses = from_socat(words);
  return from_addresses.empty() ? "" : refusal(text("say `{}`", from_addresses));
}

std::string hint_for_endpoint(const std::vector<std::string>& words) {
  const auto& word = words.front();
  const auto two_words = words.size() > 1 && is_port(words[1]);
  const auto hint = is_port(word) && !two_words ? text("listen {}", word)
                    : ends_with_port(word)      ? text("connect {}", word)
                    : word.starts_with("unix:") ? text("connect {}", word)
                    : two_words                 ? text("connect {} {}", word, words[1])
                                                : "";
  return hint.empty() ? "" : text("'{}': no such subcommand; say `sockx {}`", word, hint);
}

std::string hint_for_surplus(std::string_view command, const std::vector<std::string>& words,
                             const OptionLookup& takes_value) {
  const bool checks = std::ranges::find(words, "--check") != words.end();
  if (command == "connect" && checks) return text("say `{}`", from_nc(command, words, takes_value));
  if (command == "relay") {
    const auto one_word = end_of_two_words(words);
    if (!one_word.empty()) return text("an end is one word: say {}", one_word);
  }
  if (command == "recv-file" && words.size() == 3)
    return text("to receive into a file say `sockx recv-file -o {} {} {}`", words[0], words[1], words[2]);
  if (is_among(command, "connect listen relay") && std::ranges::find(words, "--hexdump") != words.end())
    return "to dump into a file say --hexdump=FILE";
  return text("see `sockx {}--help`", command.empty() ? "" : std::string(command) + ' ');
}

std::string hint_for_explanation(const std::vector<std::string>& words, const OptionLookup& takes_value) {
  const auto& tool = words.front();
  const auto name = tool.substr(tool.rfind('/') + 1);
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  const bool is_like_nc = is_among(name, "ncat netcat nc.traditional pnetcat");
  const auto command = rest.empty()      ? ""
                       : name == "socat" ? from_socat(rest)
                       : is_like_nc      ? from_nc("", rest, takes_value)
                                         : "";
  return text("'{}': explain knows nc only{}", tool,
              !command.empty() ? text("; the same is perhaps `{}`", command)
              : is_like_nc || name == "socat"
                  ? text("; give the words of {} to sockx, which has hints for many: "
                         "`sockx ARG...`",
                         name)
                  : ": say `sockx explain nc ARG...`");
}

std::string hint_for_partner(std::string_view command, std::string_view option,
                             const std::vector<std::string>& words) {
  if (command == "sockx listen" && option == "--proxy-auth" && is_proxy_server(words))
    return text("{}: {}", option, users_of_proxy_server);
  return "";
}

std::string hint_for_exec(std::string_view next) {
  return text("--exec: the program and its arguments come last, after `--`: `--exec -- {}`",
              next.empty() ? "PROGRAM ARG..." : next);
}

}  // namespace sockx
