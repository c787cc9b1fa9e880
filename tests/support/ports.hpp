// Ports of loopback, as Sockets, for tests that dial within this process.
#pragma once

#include <netinet/in.h>

#include "net/stream/stream_options.hpp"

namespace test {

/// 127.0.0.1 and a port, 0 for the kernel's choice.
inline sockx::Address loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

/// A port of loopback that is taken and on which nobody listens.
inline sockx::Socket bound_port() {
  auto socket = sockx::open_socket(AF_INET, {});
  socket.bind(loopback(0));
  return socket;
}

/// The same, where a backlog takes connections.
inline sockx::Socket listening_port(int backlog = 16) {
  auto socket = bound_port();
  socket.listen(backlog);
  return socket;
}

/// A port as protocols have it: two bytes, the more significant one first.
inline std::string port_bytes(const std::string& port) {
  const auto number = std::stoul(port);
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

}  // namespace test
