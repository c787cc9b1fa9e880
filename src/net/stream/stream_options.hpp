// The options of every stream socket, dialed or accepted.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/address/endpoint.hpp"
#include "net/address/source.hpp"
#include "net/network_options.hpp"
#include "net/option/socket_option.hpp"
#include "net/socket.hpp"
#include "net/stream/layers.hpp"
#include "net/stream/socket_file.hpp"

namespace sockx {

struct StreamOptions : NetworkOptions {
  int type = SOCK_STREAM;        // or SOCK_SEQPACKET, which keeps records apart
  bool mptcp = false;            // Multipath TCP where the peer has it too
  std::string congestion;        // tcp_congestion; empty: reno between two ends on this host
  bool resets_on_close = false;  // a new TCP socket, until set_reset_on_close() takes it back
  Layers layers;                 // of each connection, in their order
};

/// Throws BadInput for what a socket that dials the endpoint, or listens on it, has no use for.
void check_dialing(const StreamOptions& options, const Endpoint& endpoint);
void check_listening(const StreamOptions& options, const Endpoint& endpoint);

/// A new socket of the family, MPTCP if asked for. Throws Error (socket(2)).
Socket open_socket(int family, const StreamOptions& options);

/// After socket(2), before connect(2). Throws Error, and BadInput for an option that the family does not have
/// and an interface that is not there.
void prepare_dialing(Socket& socket, const Address& address, const StreamOptions& options);
/// Then, where there is a source: bind(2), under lock_name(). Returns the file of a unix socket.
std::unique_ptr<SocketFile> bind_source(Socket& socket, const Address& source);
/// Before bind(2) and listen(2), and for an adopted listener: its connections inherit all of it.
void prepare_listening(Socket& socket, const Address& address, const StreamOptions& options);
/// Once a dialed or adopted socket is connected.
void prepare_connected(int socket, const StreamOptions& options);
/// The part of it that an accepted socket needs, which has inherited the rest from its listener. Never
/// throws.
void prefer_reno_on_this_host(int socket, const Address& peer, const StreamOptions& options);

/// The congestion control algorithm in use, or empty for what has none.
std::string congestion_of(int socket);

}  // namespace sockx
