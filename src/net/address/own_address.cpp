#include "net/address/own_address.hpp"

#include <cerrno>

#include "base/error.hpp"
#include "net/socket.hpp"

namespace sockx {

bool is_of_this_host(const Address& address) {
  auto socket = Socket::open(address.family(), SOCK_DGRAM, 0);
  try {
    socket.bind(address.with_port(0));
    return true;
  } catch (const Error& error) {
    return error.number() != EADDRNOTAVAIL;
  }
}

}  // namespace sockx
