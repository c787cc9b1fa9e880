// is_of_this_host(): whether an address leads back to this host.
#pragma once

#include "net/address/address.hpp"

namespace sockx {

/// Of an IPv4 or IPv6 address: asks bind(2), which takes the addresses of this host alone, unspecified ones
/// and loopback among them. Throws Error when descriptors or memory have run out.
bool is_of_this_host(const Address& address);

}  // namespace sockx
