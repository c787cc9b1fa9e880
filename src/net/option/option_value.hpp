// The values of socket options: what users type, the bytes of setsockopt(2), and what is shown of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sockx {

/// What the bytes of an option are.
enum class OptionType {
  integer,
  number,  // 64 bits, without a sign
  boolean,
  linger,   // "on,SECONDS" or "off"
  timeval,  // a duration
  text,
  bytes,  // in hexadecimal
  family,
  socket_type,
  protocol,
  path_mtu_discovery,
  error,              // an errno
  interface,          // the index of a network interface
  network_interface,  // the same in network byte order
  multicast_interface,
  membership,    // of an IPv4 group
  membership6,   // of an IPv6 group
  membership46,  // of either
  source_membership,
  source_membership46,
  port_range,
  credentials,
  groups,
  transmit_time,
  filter,  // a program of classic BPF
  memory,
  path_mtu,
  tcp_info,
};

using OptionScalar = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;

/// A member of a structure. Units are "us", "ms", "bytes", "segments" and so on.
struct OptionMember {
  std::string_view name;
  OptionScalar value;
  std::string_view unit = {};
};

/// A value as it is shown.
struct OptionValue {
  std::string text;                        // in the form that encode() takes, where it takes any
  OptionScalar scalar;                     // for programs: times are seconds; a structure's is its text
  std::vector<OptionMember> members = {};  // of a structure
};

/// "integer", "membership", "structure".
std::string_view name_of(OptionType type);
/// What to say for a value: "on or off".
std::string_view form_of(OptionType type);
/// How many bytes getsockopt(2) is to be offered.
std::size_t size_of(OptionType type);

/// The bytes for setsockopt(2); nothing for a text that is not of the form.
std::optional<std::string> encode(OptionType type, const std::string& value);
/// Reads what getsockopt(2) has returned, which may be shorter than size_of().
OptionValue decode(OptionType type, std::string_view bytes);

}  // namespace sockx
