#include "net/address/network_interface.hpp"

#include <net/if.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/option/socket_option.hpp"

namespace sockx {

namespace {

std::string interface_names() {
  std::string names;
  auto* const list = if_nameindex();
  if (list == nullptr) throw_errno("if_nameindex");
  for (const auto* entry = list; entry->if_index != 0; ++entry)
    names += (names.empty() ? "" : ", ") + std::string(entry->if_name);
  if_freenameindex(list);
  return names;
}

}  // namespace

unsigned interface_index(const std::string& setting, const std::string& name) {
  if (const auto index = if_nametoindex(name.c_str())) return index;
  throw BadInput(setting, text("'{}': no such network interface; there are {}", name, interface_names()));
}

void use_interface(Socket& socket, int family, const std::string& name) {
  if (family != AF_INET && family != AF_INET6)
    throw BadInput("interface", text("'{}': this socket uses no network interface", name));
  interface_index("interface", name);
  try {
    set_option(socket.fd(), "SO_BINDTODEVICE", name);
  } catch (const Error& error) {
    if (error.number() != EPERM) throw;
    throw about(
        "interface",
        Error(EPERM, text("'{}' needs the capability CAP_NET_RAW: setsockopt SO_BINDTODEVICE", name)));
  }
}

bool is_own_address(const Address& address) {
  if (address.is_loopback()) return true;
  try {
    Socket::open(address.family(), SOCK_DGRAM, 0).bind(address.with_port(0));
    return true;
  } catch (const Error& error) {
    return error.number() != EADDRNOTAVAIL && error.number() != ENODEV;
  }
}

}  // namespace sockx
