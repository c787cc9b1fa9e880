// Source: where a socket is bound before it connects, as the user typed it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address/address.hpp"

namespace sockx {

struct Endpoint;

struct Source {
  std::string word;                // as it was typed
  std::optional<Address> address;  // without one, every address
  std::uint16_t port = 0;          // 0 for the kernel's choice

  /// ADDR, :PORT, ADDR:PORT, [V6]:PORT, V6%SCOPE, unix:PATH or unix:@NAME; hosts are not looked up, a port
  /// may be the name of a service for `protocol`. Throws BadInput, which quotes the word and shows what would
  /// be right.
  static Source parse(const std::string& word, std::string_view protocol = "tcp");

  /// What a socket of the family is bound to; nothing when the source is of another family.
  std::optional<Address> in_family(int family) const;
  /// Removes the addresses of other families. Throws BadInput when `peer`, whose they are, has no others.
  void leave_family(std::vector<Address>& addresses, const std::string& peer) const;
  /// The address of a listener whose endpoint is a port alone. Throws BadInput for any other endpoint, a
  /// source with a port, and one that is not of the family, unless that is AF_UNSPEC.
  Address to_listen_on(const Endpoint& endpoint, int family) const;
};

}  // namespace sockx
