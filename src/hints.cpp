#include "hints.hpp"

#include <netdb.h>

#include <algorithm>
#include <array>

#include "os/digits.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

struct OptionHint {
  std::string_view commands;  // with blanks between, `none` where none is named; empty: all of these
  std::string_view option;
  std::string_view say;
};

constexpr std::string_view no_tls =
    "sockx does not speak TLS yet; `openssl s_client -connect HOST:PORT` does";
constexpr std::string_view no_proxy = "sockx does not go through proxies yet";

/// The first row that fits is taken.
constexpr std::array option_hints{
    OptionHint{"udp", "-l", "say --listen: `sockx udp --listen PORT`"},
    OptionHint{"udp", "-u", "leave it out: `sockx udp` speaks UDP"},
    OptionHint{"", "-l", "use `sockx listen`"},
    OptionHint{"connect send-file udp", "-p",
               "to send from port N say --source :N; the other port is a word"},
    OptionHint{"", "-p", "the port is a word of its own: `sockx listen PORT`"},
    OptionHint{"", "-z", "use `sockx connect --check HOST PORT`, or --scan for several ports"},
    OptionHint{"", "-u", "use `sockx udp`"},
    OptionHint{"", "-w", "use --connect-timeout, --accept-timeout or --idle-timeout"},
    OptionHint{"", "-N", "leave it out: the end of standard input always becomes FIN"},
    OptionHint{"", "-q",
               "leave it out, or use --eof-timeout DURATION: the end of standard input becomes FIN"},
    OptionHint{"", "-e", "use --exec -- PROGRAM ARG..., or --sh COMMAND"},
    OptionHint{"", "-c", "use --sh COMMAND"},
    OptionHint{"", "-C", "use --crlf"},
    OptionHint{"", "-s", "use --source ADDRESS"},
    OptionHint{"", "-U", "the endpoint is `unix:PATH`"},
    OptionHint{"none connect listen send-file recv-file", "-x", no_proxy},
    OptionHint{"none connect listen send-file recv-file", "-X", no_proxy},
    OptionHint{"none connect listen send-file recv-file", "--proxy", no_proxy},
    OptionHint{"none connect listen send-file recv-file", "--socks", no_proxy},
    OptionHint{"none connect listen send-file recv-file", "--ssl", no_tls},
    OptionHint{"none connect listen send-file recv-file", "--tls", no_tls},
    OptionHint{"connect send-file recv-file", "--timeout",
               "say --connect-timeout, --idle-timeout or --deadline"},
    OptionHint{"listen", "--timeout", "say --accept-timeout, --idle-timeout or --deadline"},
    OptionHint{"udp raw", "--timeout", "say --reply-timeout, --idle-timeout or --deadline"},
};

struct WordHint {
  std::string_view word, say;
};
constexpr std::array word_hints{
    WordHint{"send", "say `sockx send-file FILE HOST PORT`, or `sockx connect HOST PORT`"},
    WordHint{"recv", "say `sockx recv-file -o FILE PORT`, or `sockx listen PORT`"},
    WordHint{"receive", "say `sockx recv-file -o FILE PORT`, or `sockx listen PORT`"},
    WordHint{"check", "say `sockx connect --check HOST PORT`"},
    WordHint{"scan", "say `sockx connect --scan HOST PORTS`"},
    WordHint{"forward", "say `sockx listen --keep-open --forward HOST:PORT PORT`"},
};

bool is_among(std::string_view word, std::string_view list) {
  for (std::size_t at = 0; at < list.size();) {
    const auto end = std::min(list.find(' ', at), list.size());
    if (list.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

std::string_view say_of_option(std::string_view command, std::string_view option) {
  for (const auto& hint : option_hints)
    if (hint.option == option && (hint.commands.empty() || is_among(command, hint.commands))) return hint.say;
  return "";
}

/// Several letters of nc(1) together: "-lvnp".
std::string hint_for_letters(std::string_view command, std::string_view letters) {
  constexpr std::string_view known = "46CDdehiklNnpqrstUuvwz";
  if (letters.find_first_not_of(known) != std::string_view::npos) return "";
  const auto has = [&](char letter) { return letters.find(letter) != std::string_view::npos; };
  const bool listens = has('l'), is_udp = has('u') || command == "udp";
  if (!listens && !is_udp && !has('z') && !has('e')) return "";
  std::string say = is_udp ? "udp" : listens ? "listen" : "connect";
  std::string kept;
  for (const char letter : std::string_view(listens && !is_udp ? "vnk46" : "vn46"))
    if (has(letter)) kept += letter;
  if (!kept.empty()) say += " -" + kept;
  if (is_udp && listens) say += " --listen";
  if (has('z') && !is_udp && !listens) say += " --check";
  say += listens ? " PORT" : " HOST PORT";
  if (has('e') && !is_udp) say += " --exec -- PROGRAM ARG...";
  return text("use `sockx {}`", say);
}

bool is_port(const std::string& word) {
  return (word.size() <= 5 && is_all_digits(word)) || getservbyname(word.c_str(), "tcp") != nullptr;
}

bool ends_with_port(const std::string& word) {
  const auto colon = word.rfind(':');
  return colon != std::string::npos && colon > 0 && is_port(word.substr(colon + 1));
}

}  // namespace

std::string hint_for_option(std::string_view command, std::string_view option) {
  option = option.substr(0, option.find('='));
  if (command.empty()) command = "none";
  auto say = std::string(say_of_option(command, option));
  const bool are_letters = !option.starts_with("--") && option.size() > 2;
  if (are_letters) {
    say = hint_for_letters(command, option.substr(1));
    if (say.empty()) {  // one letter with its value
      option = option.substr(0, 2);
      say = say_of_option(command, option);
    }
  }
  return say.empty() ? "" : text("{}: {}", option, say);
}

std::string hint_for_command(std::string_view word) {
  for (const auto& hint : word_hints)
    if (hint.word == word) return text("'{}': no such subcommand; {}", word, hint.say);
  return "";
}

std::string hint_for_endpoint(const std::vector<std::string>& words) {
  const auto& word = words.front();
  const auto two_words = words.size() > 1 && is_port(words[1]);
  const auto hint = is_port(word) && !two_words ? text("listen {}", word)
                    : ends_with_port(word)      ? text("connect {}", word)
                    : two_words                 ? text("connect {} {}", word, words[1])
                                                : "";
  return hint.empty() ? "" : text("'{}': no such subcommand; say `sockx {}`", word, hint);
}

std::string hint_for_exec(std::string_view next) {
  return text("--exec: the program and its arguments come last, behind `--`: `--exec -- {}`",
              next.empty() ? "PROGRAM ARG..." : next);
}

}  // namespace sockx
