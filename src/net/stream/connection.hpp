// Connection: a connected byte stream and its addresses.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "flow/stream.hpp"
#include "net/socket.hpp"

namespace sockx {

struct ProxyFacts;
struct TlsFacts;

/// The two ends of a connection, which may be somebody else's.
struct ConnectionEnds {
  Address source, destination;  // who has connected, and to what
};

/// The result of dial(), accept() and adopt().
struct Connection {
  Stream stream;                             // named as messages call the peer
  Address peer;                              // of the client, where a PROXY header has told it
  bool is_adopted = false;                   // inherited: another process may go on with it
  std::shared_ptr<const TlsFacts> tls = {};  // net/tls/tls_facts.hpp; null without TLS
  /// net/proxy/proxy_route.hpp; null without a proxy. With one, `peer` is the address of the first proxy.
  std::shared_ptr<const ProxyFacts> proxy = {};
  /// By a PROXY header: the client's connection with the proxy. Null without one.
  std::shared_ptr<const ConnectionEnds> told = {};
  /// Of a connection that was dialed for a client: the client's connection, if the server is to learn of it.
  std::shared_ptr<const ConnectionEnds> forwarded = {};

  int fd() const { return stream.facts().fd; }
  const std::string& name() const { return stream.name(); }
  /// What the peer has connected to: getsockname(2), or what a PROXY header has told.
  Address local() const { return told ? told->destination : local_address(fd()); }
  std::string_view protocol() const { return protocol_of(fd()); }  // as Socket::protocol()
};

/// A connected socket, named after its peer unless `name` says something else. Throws Error.
Connection connection_of(EventLoop& loop, Socket socket, Address peer, std::string name = {});
/// The same for one that was inherited; getpeername(2) tells the peer.
Connection adopted_connection(EventLoop& loop, Socket socket);

}  // namespace sockx
