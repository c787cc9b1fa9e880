// What is common to every stream socket, dialed or accepted.
#pragma once

#include <string>
#include <vector>

#include "net/endpoint.hpp"
#include "net/socket.hpp"
#include "net/socket_option.hpp"

namespace sockx {

struct StreamOptions {
  int type = SOCK_STREAM;               // or SOCK_SEQPACKET, which keeps records apart
  int family = AF_UNSPEC;               // AF_INET or AF_INET6 to have only that
  bool numeric = false;                 // no look-up of names
  std::string congestion;               // tcp_congestion; empty: reno between two ends on this host
  std::vector<OptionSetting> settings;  // --opt
};

/// Throws BadInput when the endpoint's family has no sockets of the type.
void check_type(const Endpoint& endpoint, const StreamOptions& options);
/// After socket(2), before bind(2) or connect(2) to `address`.
void prepare(Socket& socket, const Address& address, const StreamOptions& options);
/// Before listen(2), and for an adopted listener: its connections inherit all of it.
void prepare_listening(Socket& socket, const Address& address, const StreamOptions& options);
/// Once a dialed or adopted socket is connected.
void prepare_connected(Socket& socket, const StreamOptions& options);
/// The part of it that an accepted socket needs, which has inherited the rest from its listener. Never
/// throws.
void prefer_reno_on_this_host(Socket& socket, const StreamOptions& options);

/// The congestion control algorithm in use, or empty for what has none.
std::string congestion_of(const Socket& socket);

}  // namespace sockx
