// The numbers of SOCKS 4, 4a and 5 (RFC 1928, RFC 1929), and the names of the replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sockx::socks {

inline constexpr std::uint8_t version4 = 4;
inline constexpr std::uint8_t version5 = 5;
inline constexpr std::uint8_t user_password_version = 1;  // RFC 1929

inline constexpr std::size_t longest_name = 255;  // bytes of a host name, a user or a password

/// How a client of SOCKS 5 shows who it is.
enum Method : std::uint8_t {
  no_authentication = 0,
  gssapi = 1,
  user_password = 2,
  none_acceptable = 0xff,
};

/// The same in SOCKS 4, but for the last one.
enum Command : std::uint8_t {
  connect = 1,
  bind = 2,
  udp_associate = 3,
};

enum AddressType : std::uint8_t {
  ipv4 = 1,
  host_name = 3,
  ipv6 = 4,
};

enum Reply : std::uint8_t {
  succeeded = 0,
  general_failure = 1,
  not_allowed = 2,
  network_unreachable = 3,
  host_unreachable = 4,
  connection_refused = 5,
  ttl_expired = 6,
  command_not_supported = 7,
  address_type_not_supported = 8,
};

enum Reply4 : std::uint8_t {
  granted = 90,
  rejected = 91,
  no_identd = 92,
  other_user = 93,
};

/// The words of RFC 1928, "host unreachable"; "unassigned" for a number without a name.
std::string_view name_of_reply(std::uint8_t reply);
/// The same for SOCKS 4.
std::string_view name_of_reply4(std::uint8_t reply);

}  // namespace sockx::socks
