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

/// The result of dial(), accept() and adopt().
struct Connection {
  Stream stream;  // named as messages call the peer
  Address peer;
  bool is_adopted = false;                   // inherited: another process may go on with it
  std::shared_ptr<const TlsFacts> tls = {};  // net/tls/tls_facts.hpp; null without TLS
  /// net/proxy/proxy_route.hpp; null without a proxy. With one, `peer` is the address of the first proxy.
  std::shared_ptr<const ProxyFacts> proxy = {};

  int fd() const { return stream.facts().fd; }
  const std::string& name() const { return stream.name(); }
  Address local() const { return local_address(fd()); }            // getsockname(2)
  std::string_view protocol() const { return protocol_of(fd()); }  // as Socket::protocol()
};

/// A connected socket, named after its peer unless `name` says something else. Throws Error.
Connection connection_of(EventLoop& loop, Socket socket, Address peer, std::string name = {});
/// The same for one that was inherited; getpeername(2) tells the peer.
Connection adopted_connection(EventLoop& loop, Socket socket);

}  // namespace sockx
