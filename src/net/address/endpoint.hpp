// Endpoint: one end of a connection as the user typed it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/address/address.hpp"

namespace sockx {

/// A host, still to be resolved, and a port. An empty host means every address of this machine.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
/// A socket that was inherited from the parent process.
struct InheritedFd {
  int fd = -1;
};

/// A socket that another process passes through a unix socket.
struct PassedFd {
  Address at;
};

struct Endpoint {
  enum class Role { connecting, listening };

  /// Reads one or two words: PORT (listening only, as is the host `*` for every address), HOST PORT,
  /// HOST:PORT, [V6]:PORT, unix:PATH, unix:@NAME, vsock:CID:PORT, fd:N, fd:unix:PATH; PATH and NAME may have
  /// bytes as \xHH; a port may be a service name of services(5), for `protocol` ("tcp", "udp"). Throws
  /// BadInput, which quotes the words and shows what would be right.
  static Endpoint parse(const std::vector<std::string>& words, Role role, std::string_view protocol = "tcp");

  /// Whether another process made the socket: an InheritedFd or PassedFd.
  bool is_adopted() const;

  /// Whether it has a port that the kernel may choose: not a unix socket, nor one that another process
  /// made.
  bool has_port() const;

  /// In the notation of one word, for messages.
  std::string to_string() const;

  std::variant<HostPort, Address, InheritedFd, PassedFd> where;
};

/// A number from 0 to 65535 or the name of a service for `protocol`. Throws BadInput.
std::uint16_t parse_port(const std::string& word, std::string_view protocol = "tcp");

}  // namespace sockx
