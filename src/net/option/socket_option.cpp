#include "net/option/socket_option.hpp"

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "net/address/names.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

using Phase = SocketOption::Phase;

std::string_view without_prefix(const SocketOption& option) {
  return option.name.substr(option.name.find('_') + 1);
}

[[noreturn]] void throw_unknown(const std::string& typed) {
  std::vector<std::string> names;
  for (const auto& option : socket_options()) {
    names.emplace_back(option.name);
    names.emplace_back(without_prefix(option));
  }
  const auto similar = nearest(upper_case(typed), names);
  throw BadInput(text("'{}': no such socket option{}", typed,
                      similar.empty() ? "" : text("; did you mean {}?", similar)));
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

/// Of the bytes of a group_req or group_source_req, which begin alike.
int level_of_group(const std::string& bytes) {
  group_req request{};
  std::memcpy(&request, bytes.data(), sizeof request);
  return request.gr_group.ss_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

/// The instructions as setsockopt(2) takes them, which it does by a pointer.
std::string program_of(const std::string& instructions) {
  const sock_fprog program{static_cast<unsigned short>(instructions.size() / sizeof(sock_filter)),
                           reinterpret_cast<sock_filter*>(const_cast<char*>(instructions.data()))};
  return std::string(reinterpret_cast<const char*>(&program), sizeof program);
}

}  // namespace

std::string level_name(int level) {
  if (level == SOL_SOCKET) return "SOL_SOCKET";
  return level == level_of_address ? "IPPROTO_IP|IPV6" : ip_protocols.name_of(level);
}

const SocketOption& find_option(const std::string& typed, bool for_stream) {
  const auto name = upper_case(typed);
  std::vector<const SocketOption*> found;
  for (const auto& option : socket_options()) {
    if (option.name == name) return option;
    if (without_prefix(option) == name) found.push_back(&option);
  }
  if (for_stream && found.size() > 1)
    std::erase_if(found, [](const auto* option) { return option->phase == Phase::none; });
  if (found.empty()) throw_unknown(typed);
  if (found.size() == 1) return *found.front();
  throw BadInput(text("'{}': say {}", typed, joined(found, " or ", &SocketOption::name)));
}

OptionSetting OptionSetting::parse(const std::string& word, bool for_stream) {
  const auto equals = word.find('=');
  if (equals == 0) throw BadInput(text("'{}': say NAME=VALUE", word));
  const auto& row = find_option(word.substr(0, equals), for_stream);
  if (!row.is_writable()) throw BadInput(text("'{}': {} can only be read: {}", word, row.name, row.help));
  if (equals == std::string::npos) throw BadInput(text("'{}': say {}=VALUE", word, row.name));
  auto value = word.substr(equals + 1);
  const auto bytes = encode(row.type, value);
  if (!bytes) throw BadInput(text("'{}': {} takes {}", word, row.name, form_of(row.type)));
  const int level = row.level == level_of_address ? level_of_group(*bytes) : row.level;
  return {&row, word, std::move(value), *bytes, level};
}

void check_level(const OptionSetting& setting, int family) {
  const int level = setting.level;
  const bool fits = level == SOL_SOCKET || family == AF_INET6 || (family == AF_INET && level != IPPROTO_IPV6);
  if (!fits)
    throw BadInput(text("'{}': {} has no {}", setting.word, socket_kind(family), setting.option->name));
}

void apply(int socket, const OptionSetting& setting) {
  const auto& option = *setting.option;
  const auto* bytes = &setting.bytes;
  std::string program;
  if (option.type == OptionType::filter) {
    program = program_of(setting.bytes);
    bytes = &program;
  }
  const long result =
      setsockopt(socket, setting.level, option.number, bytes->data(), static_cast<socklen_t>(bytes->size()));
  observe_call("setsockopt", result, "{}, {}, {}, {}", socket, level_name(setting.level), option.name,
               setting.value);
  if (result < 0) throw_errno(text("setsockopt {}={}", option.name, setting.value));
}

void set_option(int socket, const std::string& name, const std::string& value) {
  apply(socket, OptionSetting::parse(name + '=' + value));
}

void try_option(int socket, const std::string& name, const std::string& value) try {
  set_option(socket, name, value);
} catch (const Error&) {
  return;
}

void apply_typed(int socket, const OptionSetting& setting) try {
  apply(socket, setting);
} catch (const Error& error) {
  // There is no such device, algorithm or interface, the value is none of the option's, or out of its range.
  constexpr std::array of_the_value{ENODEV, ENOENT, EADDRNOTAVAIL, EINVAL, EDOM, ERANGE};
  if (std::ranges::find(of_the_value, error.number()) == of_the_value.end()) throw;
  throw BadInput(text("'{}': the kernel refuses this value", setting.word));
}

void apply(int socket, const std::vector<OptionSetting>& settings, Phase phase) {
  for (const auto& setting : settings)
    if (setting.option->phase == phase) apply_typed(socket, setting);
}

std::string read_option(int socket, const SocketOption& option, std::size_t size) {
  const int level = option.level == level_of_address ? IPPROTO_IP : option.level;
  std::string bytes(size, '\0');
  auto returned = static_cast<socklen_t>(size);
  const int result = getsockopt(socket, level, option.number, bytes.data(), &returned);
  if (result == 0) bytes.resize(std::min<std::size_t>(returned, size));
  if (calls_are_observed()) {
    const int number = errno;
    const auto shown = result == 0 ? decode(option.type, bytes).text : "";
    errno = number;
    observe_call("getsockopt", result, "{}, {}, {}, [{}]", socket, level_name(level), option.name, shown);
  }
  if (result < 0) throw_errno(text("getsockopt {}", option.name));
  return bytes;
}

std::string read_option(int socket, const SocketOption& option) {
  return read_option(socket, option, size_of(option.type));
}

}  // namespace sockx
