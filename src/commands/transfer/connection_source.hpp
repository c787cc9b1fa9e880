// How a transfer comes to its connection, which either side may open.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.hpp"
#include "cli/progress.hpp"
#include "cli/time_limits.hpp"
#include "commands/stream/dialing.hpp"
#include "commands/stream/listening.hpp"
#include "net/stream/connection.hpp"

namespace sockx {

struct ConnectionSourceOptions {
  bool listens = false;             // else it dials
  ListeningOptions listening = {};  // its stream options are those of a socket that dials, too
  RetryOptions retry = {};

  const StreamOptions& stream() const { return listening.options.stream; }
};

/// The flags of both ways, and the one that turns what `target` says into the other: --listen or --connect,
/// which is returned. What is only for the way that is not taken is a usage error.
Flag add_connection_flags(Flags& flags, ConnectionSourceOptions& target, TimeLimits& limits);

/// Where to listen, or whom to dial. Throws BadInput.
Endpoint parse_endpoint(const ConnectionSourceOptions& flags, const std::vector<std::string>& words);

/// Comes by connections, one after the other, in the one way or the other. TCP sockets are set to reset on
/// close.
class ConnectionSource {
 public:
  /// `deadline` is for each of them, beside the limits.
  ConnectionSource(Context& context, ProgressBoard& board, const ConnectionSourceOptions& flags,
                   Endpoint endpoint, TimeLimits limits, Deadline deadline);

  /// Dials, or accepts: from the first call to the end of this, or close(), it listens.
  Task<Connection> next();
  void close() { listener_.reset(); }

 private:
  Context& context_;
  ProgressBoard& board_;
  const ConnectionSourceOptions& flags_;
  Endpoint endpoint_;
  TimeLimits limits_;
  Deadline deadline_;
  std::optional<Listener> listener_;
};

}  // namespace sockx
