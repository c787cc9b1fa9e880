// AccessRule: the addresses, host or user of one word of a rule.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "net/address/address.hpp"

namespace sockx {

/// The addresses that begin with the same bits. An IPv4-mapped IPv6 address counts as the IPv4 one.
struct Network {
  int family = AF_UNSPEC;
  std::array<std::uint8_t, 16> bytes{};  // of which IPv4 uses the first four
  std::uint32_t scope = 0;               // of IPv6: the interface, or 0 for any
  unsigned prefix = 0;                   // bits

  /// One address alone, of IPv4 or IPv6.
  explicit Network(const Address& address);
  bool contains(const Address& address) const;
  /// The network around this one that has so few bits as its prefix.
  Network within(unsigned bits) const;
  /// "192.0.2.0/24", "2001:db8::1"
  std::string to_string() const;
};

/// A host, whose addresses are still to be looked up.
struct HostName {
  std::string name;
};

/// A user of this machine, whose number may be still to be looked up.
struct User {
  std::string word;  // what stands after "uid:"
};

using AccessRule = std::variant<Network, HostName, User>;

/// Reads ADDRESS, ADDRESS/BITS, HOST or uid:USER; looks nothing up. Throws BadInput, which quotes the word.
AccessRule parse_access_rule(const std::string& word);

}  // namespace sockx
