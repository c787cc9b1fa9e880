// InspectedSocket: the socket that sockopt works on: new, connected, inherited, or of another process.
#pragma once

#include <optional>
#include <string>

#include "cli/context.hpp"
#include "cli/time_limits.hpp"
#include "net/socket.hpp"

namespace sockx {

class Flags;

struct InspectedSocketOptions {
  static constexpr int not_given = -1;
  int family = not_given, type = not_given, protocol = not_given;
  std::optional<int> pid, fd;
  std::string peer;
  TimeLimits limits;
};

/// --family, --type, --protocol; --fd and --pid; --connect and its time-out.
void add_inspected_socket_flags(Flags& flags, InspectedSocketOptions& target);

/// An inherited socket is not owned; of another process's socket this owns a duplicate.
struct InspectedSocket {
  Socket owned;
  int fd;

  explicit InspectedSocket(int borrowed) : fd(borrowed) {}
  explicit InspectedSocket(Socket socket) : owned(std::move(socket)), fd(owned.fd()) {}
};

/// Throws BadInput for a descriptor that is not a socket, and what Socket::open(), OtherProcess and dial()
/// throw.
InspectedSocket open_inspected_socket(Context& context, const InspectedSocketOptions& flags);

}  // namespace sockx
