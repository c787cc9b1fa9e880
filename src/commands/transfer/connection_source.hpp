// ConnectionSource: opens or accepts the connections of a transfer, since either side may listen.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.hpp"
#include "cli/progress.hpp"
#include "cli/time_limits.hpp"
#include "commands/stream/dialing.hpp"
#include "commands/stream/listening.hpp"
#include "commands/stream/proxy_flags.hpp"
#include "commands/stream/proxy_header_flags.hpp"
#include "commands/stream/tls_flags.hpp"
#include "net/stream/connection.hpp"

namespace sockx {

struct ConnectionSourceOptions {
  bool listens = false;             // otherwise it dials
  ListeningOptions listening = {};  // its stream options are used for dialing as well
  RetryOptions retry = {};
  ProxyFlags proxy = {};
  std::optional<ProxyHeaderVersion> send_proxy = {};
  TlsFlags tls = {};
  ProxyRoute route = {};  // once use_way() has made it

  const StreamOptions& stream() const { return listening.options.stream; }
};

/// Adds the options for listening and dialing, and the one that changes the default of `target`: --listen or
/// --connect, which is returned. Options for the other way than the chosen one are usage errors.
Flag add_connection_flags(Flags& flags, ConnectionSourceOptions& target, TimeLimits& limits);

/// Where to listen, or what to dial. Throws BadInput.
Endpoint parse_endpoint(const ConnectionSourceOptions& flags, const std::vector<std::string>& words);

/// Completes the options of proxies, and those of TLS for the role that this side has. Throws BadInput.
void complete_way(ConnectionSourceOptions& flags, const Endpoint& endpoint);
/// With --proxy: each connection is made by these proxies; with --send-proxy: it begins with the header; with
/// --tls: with a handshake. `client` is what a client of ours would type. Throws as make_tls().
void use_way(Context& context, ConnectionSourceOptions& flags, const std::optional<Endpoint>& endpoint,
             std::optional<Duration> idle_timeout, ClientCommand client);

/// Opens or accepts connections, one after the other. TCP sockets are set to reset on close. If a connection
/// that has been accepted fails in its handshake, and is not the first one, another takes its place.
class ConnectionSource {
 public:
  /// `deadline` applies to each connection, in addition to the limits.
  ConnectionSource(Context& context, ProgressBoard& board, const ConnectionSourceOptions& flags,
                   Endpoint endpoint, TimeLimits limits, Deadline deadline);

  /// Dials or accepts. It listens from the first call until close() or destruction.
  Task<Connection> next();
  void close() { listener_.reset(); }

 private:
  Task<Connection> next_accepted();
  Context& context_;
  ProgressBoard& board_;
  const ConnectionSourceOptions& flags_;
  Endpoint endpoint_;
  TimeLimits limits_;
  Deadline deadline_;
  std::optional<Listener> listener_;
  bool has_one_ = false;
};

}  // namespace sockx
