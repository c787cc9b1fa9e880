// Addresses that need no look-up: digits, with a port where users may add one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/address/address.hpp"

namespace sockx {

/// The address that a word is, if it is one: IPv4 in four parts, IPv6 with or without a scope.
std::optional<Address> numeric_address(const std::string& word, std::uint16_t port = 0);

struct AddressAndPort {
  Address address;
  bool has_port = false;
};
/// ADDRESS, IPV4:PORT or [IPV6]:PORT; a port may be the name of a service for `protocol`. Throws BadInput.
AddressAndPort parse_address(const std::string& word, std::string_view protocol = "tcp");

}  // namespace sockx
