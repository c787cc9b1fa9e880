// The socket that a command is about: a new one, a connected one, or one that belongs to others too.
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

/// What is lent to us is not `owned`; of a process's socket that is a duplicate.
struct InspectedSocket {
  Socket owned;
  int fd;

  explicit InspectedSocket(int borrowed) : fd(borrowed) {}
  explicit InspectedSocket(Socket socket) : owned(std::move(socket)), fd(owned.fd()) {}
};

/// Throws BadInput for a descriptor that is no socket, and as Socket::open(), OtherProcess and dial() do.
InspectedSocket open_inspected_socket(Context& context, const InspectedSocketOptions& flags);

}  // namespace sockx
