#include "app/other_tools.hpp"

#include <algorithm>
#include <array>

#include "base/shell_word.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "commands/ends/foreign_end.hpp"
#include "net/address/foreign_endpoint.hpp"

namespace sockx {

namespace {

enum Use : unsigned { connect = 1, listen = 2, udp = 4, udp_listen = 8, streams = 3, any = 15 };

std::string_view name_of(Use use) {
  return use == connect ? "connect" : use == listen ? "listen" : use == udp ? "udp" : "udp --listen";
}
std::string command_of(Use use) { return use == connect ? "connect" : use == listen ? "listen" : "udp"; }

/// What a letter means, if it is not simply replaced by an option.
enum class Part { option, nothing, listens, udp, check, source, port, unix_path, program, command };

enum class Value { none, word, number };

struct Letter {
  char letter;
  Value value;
  unsigned uses;
  Part part;
  std::string_view option = "";
};

/// The first row that fits is taken.
constexpr std::array letters{
    Letter{'4', Value::none, any, Part::option, "-4"},
    Letter{'6', Value::none, any, Part::option, "-6"},
    Letter{'n', Value::none, any, Part::option, "-n"},
    Letter{'v', Value::none, any, Part::option, "-v"},
    Letter{'k', Value::none, listen, Part::option, "-k"},
    Letter{'k', Value::none, udp_listen, Part::nothing},
    Letter{'l', Value::none, any, Part::listens},
    Letter{'L', Value::none, any, Part::listens},
    Letter{'u', Value::none, any, Part::udp},
    Letter{'z', Value::none, connect, Part::check},
    Letter{'N', Value::none, any, Part::nothing},
    Letter{'q', Value::number, streams, Part::option, "--eof-timeout"},
    Letter{'q', Value::number, udp, Part::option, "--reply-timeout"},
    Letter{'w', Value::number, connect, Part::option, "-w"},
    Letter{'w', Value::number, listen, Part::option, "--accept-timeout"},
    Letter{'w', Value::number, udp, Part::option, "--reply-timeout"},
    Letter{'w', Value::number, udp_listen, Part::option, "--idle-timeout"},
    Letter{'p', Value::word, listen | udp_listen, Part::port},
    Letter{'p', Value::word, any, Part::source},
    Letter{'s', Value::word, any, Part::source},
    Letter{'U', Value::none, any, Part::unix_path},
    Letter{'e', Value::word, streams | udp_listen, Part::program},
    Letter{'c', Value::word, streams | udp_listen, Part::command},
    Letter{'C', Value::none, streams, Part::option, "--crlf"},
    Letter{'i', Value::number, streams, Part::option, "--line-delay"},
    Letter{'d', Value::none, streams, Part::option, "--recv-only"},
    Letter{'o', Value::word, streams, Part::option, "--hexdump="},
    Letter{'m', Value::number, listen, Part::option, "-k --max-conns"},
    Letter{'b', Value::none, udp | udp_listen, Part::option, "--broadcast"},
};

/// The long names that ncat(1) has for them.
constexpr std::array<std::pair<std::string_view, char>, 13> long_names{{
    {"--listen", 'l'},
    {"--udp", 'u'},
    {"--nodns", 'n'},
    {"--wait", 'w'},
    {"--bind", 's'},
    {"--source-port", 'p'},
    {"--unixsock", 'U'},
    {"--exec", 'e'},
    {"--sh-exec", 'c'},
    {"--hex-dump", 'o'},
    {"--max-clients", 'm'},
    {"--recv-only", 'd'},
    {"--zero", 'z'},
}};

const Letter* row_of(char letter, Use use) {
  for (const auto& row : letters)
    if (row.letter == letter && (row.uses & use) != 0) return &row;
  return nullptr;
}

bool is_port_number(const std::string& word) { return word.size() <= 5 && is_all_digits(word); }

bool are_ports(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789,-") == std::string::npos &&
         !is_port_number(word);
}

/// Reads the words as nc(1) would, for one use.
class Reading {
 public:
  Reading(Use use, const std::vector<std::string>& words, const OptionLookup& takes_value)
      : use_(use), words_(words), takes_value_(takes_value) {
    for (at_ = 0; at_ < words_.size() && fits_; ++at_) read(words_[at_]);
  }

  bool fits() const { return fits_; }
  bool listens() const { return listens_; }
  bool is_udp() const { return is_udp_; }
  const std::vector<std::string>& endpoint() const { return endpoint_; }

  std::string command_line() const {
    auto line = text("sockx {}", name_of(use_));
    const auto add = [&line](const std::string& words) {
      if (!words.empty()) line += ' ' + words;
    };
    add(single_.empty() ? "" : '-' + single_);
    add(options_);
    add(source_.empty() ? "" : "--source " + quoted_for_shell(source_));
    auto endpoint = endpoint_;
    if (is_unix_ && !endpoint.empty()) endpoint.front().insert(0, "unix:");
    if (!port_.empty()) endpoint.push_back(port_);
    if (endpoint.empty())
      endpoint.emplace_back(is_unix_                               ? "unix:PATH"
                            : use_ == listen || use_ == udp_listen ? "PORT"
                                                                   : "HOST PORT");
    const bool are_several = endpoint.size() > 2 || are_ports(endpoint.back());
    if (checks_ || scans_) add(scans_ || are_several ? "--scan" : "--check");
    for (std::size_t i = 0; i < endpoint.size(); ++i)
      line +=
          (i < 2 ? ' ' : ',') + (endpoint[i] == "HOST PORT" ? endpoint[i] : quoted_for_shell(endpoint[i]));
    add(tail_);
    return line;
  }

 private:
  void read(const std::string& word) {
    const bool is_option = word.size() > 1 && word.starts_with('-');
    if (!is_option)
      endpoint_.push_back(word);
    else if (word.starts_with("--"))
      read_long(word);
    else
      read_letters(word);
  }

  void read_long(const std::string& word) {
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    for (const auto& [known, letter] : long_names)
      if (name == known) {
        const auto* const row = row_of(letter, use_);
        fits_ = row != nullptr && (row->value != Value::none || equals == std::string::npos);
        if (fits_)
          take(*row, row->value == Value::none     ? ""
                     : equals == std::string::npos ? next()
                                                   : word.substr(equals + 1));
        return;
      }
    if (name == "--check" || name == "--scan") {
      (name == "--check" ? checks_ : scans_) = true;
      fits_ = use_ == connect;
      return;
    }
    const auto takes_value = takes_value_(command_of(use_), name);
    fits_ = takes_value.has_value();
    add_option(quoted_for_shell(word));
    if (takes_value.value_or(false) && equals == std::string::npos) add_option(quoted_for_shell(next()));
  }

  void read_letters(const std::string& word) {
    for (std::size_t i = 1; i < word.size() && fits_; ++i) {
      const auto* const row = row_of(word[i], use_);
      fits_ = row != nullptr;
      if (!fits_) return;
      if (row->value == Value::none) {
        take(*row, "");
        continue;
      }
      take(*row, i + 1 < word.size() ? word.substr(i + 1) : next());
      return;
    }
  }

  void take(const Letter& row, const std::string& value) {
    if (row.value == Value::number && !is_all_digits(value.substr(0, 1))) {
      fits_ = false;
      return;
    }
    switch (row.part) {
      case Part::option:
        if (row.option.size() == 2 && row.value == Value::none) {
          if (single_.find(row.option[1]) == std::string::npos || row.option == "-v")
            single_ += row.option[1];
        } else {
          add_option(std::string(row.option));
          if (row.value != Value::none)
            options_ += (row.option.ends_with('=') ? "" : " ") + quoted_for_shell(value);
        }
        return;
      case Part::nothing:
        return;
      case Part::listens:
        listens_ = true;
        if (row.letter == 'L') single_ += 'k';
        return;
      case Part::udp:
        is_udp_ = true;
        return;
      case Part::check:
        checks_ = true;
        return;
      case Part::source:
        if (row.letter == 'p')
          source_ += ':' + value;
        else
          source_.insert(0, value);
        return;
      case Part::port:
        port_ = value.empty() ? "PORT" : value;
        return;
      case Part::unix_path:
        is_unix_ = true;
        return;
      case Part::program:
        tail_ = "--exec -- " + (value.empty() ? "PROGRAM ARG..." : value);
        return;
      case Part::command:
        add_option("--sh " + (value.empty() ? "COMMAND" : quoted_for_shell(value)));
        return;
    }
  }

  void add_option(const std::string& option) { options_ += (options_.empty() ? "" : " ") + option; }
  std::string next() { return at_ + 1 < words_.size() ? words_[++at_] : ""; }

  Use use_;
  const std::vector<std::string>& words_;
  const OptionLookup& takes_value_;
  std::size_t at_ = 0;
  bool fits_ = true, listens_ = false, is_udp_ = false, is_unix_ = false, checks_ = false, scans_ = false;
  std::string single_, options_, source_, port_, tail_;  // single: letters without values
  std::vector<std::string> endpoint_;
};

/// The subcommand for an endpoint of socat(1).
std::string command_of(const ForeignEndpoint& endpoint) {
  if (endpoint.is_datagram) return endpoint.listens ? "udp --listen" : "udp";
  return endpoint.listens ? endpoint.forks ? "listen -k" : "listen" : "connect";
}

/// Two ends of socat(1) that are no single endpoint of sockx.
std::string relay_from_socat(const std::vector<std::string>& words) {
  if (words.size() != 2) return "";
  std::string ends;
  bool forks = false;
  for (const auto& word : words) {
    const auto end =
        word == "-" ? ForeignEnd{"-", ""} : ForeignEnd::read(word, ends.empty()).value_or(ForeignEnd());
    if (end.word.empty()) return "";
    ends += ' ' + quoted_for_shell(end.word);
    forks = forks || end.forks;
  }
  return text("sockx relay{}{}", forks ? " -k" : "", ends);
}

}  // namespace

std::string from_nc(std::string_view command, const std::vector<std::string>& words,
                    const OptionLookup& takes_value) {
  std::vector<Use> uses{connect, listen, udp_listen, udp};
  if (command == "connect" || command == "listen") uses = {command == "connect" ? connect : listen};
  if (command == "udp") uses = {udp_listen, udp};
  for (const auto use : uses) {
    const Reading reading(use, words, takes_value);
    const bool is_typed_as_listener =
        reading.endpoint().size() == 1 && is_port_number(reading.endpoint().front());
    const bool listens = use == listen || use == udp_listen;
    const bool is_udp = use == udp || use == udp_listen;
    if (!reading.fits() || reading.is_udp() != (is_udp && command != "udp")) continue;
    if (reading.listens() ? !listens && command != "connect" : false) continue;
    if (!reading.listens() && (use == udp_listen || (use == connect && is_typed_as_listener))) continue;
    return reading.command_line();
  }
  return "";
}

std::string from_socat(const std::vector<std::string>& words) {
  std::string first, program;
  for (const auto& word : words) {
    const auto colon = word.find(':');
    const auto type = word.substr(0, colon);
    const auto rest = colon == std::string::npos ? "" : word.substr(colon + 1, word.find(',') - colon - 1);
    const auto endpoint = ForeignEndpoint::read(word);
    if (endpoint && first.empty())
      first = text("{} {}", command_of(*endpoint), quoted_for_shell(endpoint->word));
    else if (type == "EXEC")
      program = " --exec -- " + rest;
    else if (type == "SYSTEM" || type == "SHELL")
      program = text(" --sh '{}'", rest);
    else if (!is_among(word, "- STDIO STDIN STDOUT"))
      return relay_from_socat(words);
  }
  return first.empty() ? "" : text("sockx {}{}", first, program);
}

}  // namespace sockx
