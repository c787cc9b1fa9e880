#include "net/socket_option.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <charconv>
#include <optional>

#include "os/error.hpp"
#include "os/named_numbers.hpp"
#include "os/nearest.hpp"
#include "os/observer.hpp"
#include "os/text.hpp"
#include "os/units.hpp"

namespace sockx {

namespace {

using Type = SocketOption::Type;
using Phase = SocketOption::Phase;

/// The row of a name, whose prefix may be left out where only one row is meant then; `typed` is for messages.
const SocketOption& find_option(const std::string& name, const std::string& typed) {
  std::vector<const SocketOption*> found;
  std::vector<std::string> names;
  for (const auto& option : socket_options()) {
    if (option.name == name) return option;
    const auto without_prefix = option.name.substr(option.name.find('_') + 1);
    names.emplace_back(option.name);
    names.emplace_back(without_prefix);
    if (without_prefix == name) found.push_back(&option);
  }
  if (found.size() == 1) return *found.front();
  if (found.size() > 1) throw BadInput(text("'{}': say {} or {}", typed, found[0]->name, found[1]->name));
  const auto similar = nearest(name, names);
  throw BadInput(text("'{}': no such socket option{}", typed,
                      similar.empty() ? "" : text("; did you mean {}?", similar)));
}

std::optional<int> integer(std::string_view value) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return {};
  return number;
}

std::optional<int> boolean(std::string_view value) {
  const auto word = upper_case(value);
  if (word == "1" || word == "ON" || word == "TRUE" || word == "YES") return 1;
  if (word == "0" || word == "OFF" || word == "FALSE" || word == "NO") return 0;
  return {};
}

std::optional<linger> parse_linger(std::string_view value) {
  if (boolean(value) == 0) return linger{0, 0};
  const auto comma = value.find(',');
  if (comma == std::string_view::npos || boolean(value.substr(0, comma)) != 1) return {};
  const auto wait = integer(value.substr(comma + 1));
  if (!wait || *wait < 0) return {};
  return linger{1, *wait};
}

std::optional<timeval> parse_timeval(const std::string& value) {
  try {
    const auto span = std::chrono::ceil<std::chrono::microseconds>(parse_duration(value)).count();
    return timeval{span / 1000000, span % 1000000};
  } catch (const BadInput&) {
    return {};
  }
}

template <class Value>
std::optional<std::string> bytes_of(const std::optional<Value>& value) {
  if (!value) return {};
  return std::string(reinterpret_cast<const char*>(&*value), sizeof *value);
}

/// The value as setsockopt(2) takes it; nothing when it is not of the type.
std::optional<std::string> encoded(Type type, const std::string& value) {
  switch (type) {
    case Type::integer:
      return bytes_of(integer(value));
    case Type::boolean:
      return bytes_of(boolean(value));
    case Type::linger:
      return bytes_of(parse_linger(value));
    case Type::timeval:
      return bytes_of(parse_timeval(value));
    case Type::text:
      return value;
  }
  return {};
}

std::string_view values_of(Type type) {
  switch (type) {
    case Type::integer:
      return "a number";
    case Type::boolean:
      return "on or off";
    case Type::linger:
      return "on,SECONDS or off";
    case Type::timeval:
      return "a duration, like 250ms";
    case Type::text:
      return "a word";
  }
  return "";
}

std::string_view level_name(int level) {
  switch (level) {
    case SOL_SOCKET:
      return "SOL_SOCKET";
    case IPPROTO_IP:
      return "IPPROTO_IP";
    case IPPROTO_IPV6:
      return "IPPROTO_IPV6";
    default:
      return "IPPROTO_TCP";
  }
}

std::string_view socket_kind(int family) {
  switch (family) {
    case AF_INET:
      return "an IPv4 socket";
    case AF_UNIX:
      return "a unix socket";
    default:
      return "a vsock socket";
  }
}

}  // namespace

OptionSetting OptionSetting::parse(const std::string& word) {
  const auto equals = word.find('=');
  const auto typed = word.substr(0, equals);
  if (typed.empty()) throw BadInput(text("'{}': say NAME=VALUE", word));
  const auto& row = find_option(upper_case(typed), typed);
  if (equals == std::string::npos) throw BadInput(text("'{}': say {}=VALUE", word, row.name));
  auto value = word.substr(equals + 1);
  const auto bytes = encoded(row.type, value);
  if (!bytes) throw BadInput(text("'{}': {} takes {}", word, row.name, values_of(row.type)));
  return {&row, word, std::move(value), *bytes};
}

void check_level(const OptionSetting& setting, int family) {
  const int level = setting.option->level;
  const bool is_internet = family == AF_INET || family == AF_INET6;
  const bool fits = level == SOL_SOCKET || family == AF_INET6 || (is_internet && level != IPPROTO_IPV6);
  if (!fits)
    throw BadInput(text("'{}': {} has no {}", setting.word, socket_kind(family), setting.option->name));
}

void apply(int socket, const OptionSetting& setting) {
  const auto& option = *setting.option;
  const long result = setsockopt(socket, option.level, option.number, setting.bytes.data(),
                                 static_cast<socklen_t>(setting.bytes.size()));
  observe_call("setsockopt", result, "{}, {}, {}, {}", socket, level_name(option.level), option.name,
               setting.value);
  if (result < 0) throw_errno(text("setsockopt {}={}", option.name, setting.value));
}

void set_option(int socket, const std::string& name, const std::string& value) {
  apply(socket, OptionSetting::parse(name + '=' + value));
}

void apply(int socket, const std::vector<OptionSetting>& settings, Phase phase) {
  for (const auto& setting : settings) {
    if (setting.option->phase != phase) continue;
    try {
      apply(socket, setting);
    } catch (const Error& error) {
      if (error.number() != EINVAL) throw;
      throw BadInput(text("'{}': the kernel refuses this value", setting.word));
    }
  }
}

}  // namespace sockx
