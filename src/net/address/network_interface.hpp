// Network interfaces by name.
#pragma once

#include <string>

#include "net/socket.hpp"

namespace sockx {

/// The number of an interface, see if_nametoindex(3). Throws BadInput about the setting, which says what
/// interfaces there are.
unsigned interface_index(const std::string& setting, const std::string& name);

/// Restricts a socket to one interface (SO_BINDTODEVICE in socket(7)). Throws Error, and BadInput for an
/// interface that is not there or a family that has none.
void use_interface(Socket& socket, int family, const std::string& name);

/// Whether an IPv4 or IPv6 address is one of this machine's, whatever its port.
bool is_own_address(const Address& address);

}  // namespace sockx
