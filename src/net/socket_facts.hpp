// What a socket is and what state it is in, as far as it tells.
#pragma once

#include <string>

#include "net/socket.hpp"

namespace sockx {

struct SocketFacts {
  int family = 0, type = 0, protocol = 0;
  std::string state;  // "ESTABLISHED" and so on for TCP; else "listening", "connected", "bound", "unbound"
  std::string local, peer{};  // addresses, empty where there is none
};

SocketFacts facts_of(const Socket& socket);

}  // namespace sockx
