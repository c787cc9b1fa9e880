// listen_on() and accept(): listening sockets and their connections.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flow/event_loop.hpp"
#include "flow/task.hpp"
#include "flow/watch.hpp"
#include "net/address/endpoint.hpp"
#include "net/socket.hpp"
#include "net/stream/connection.hpp"
#include "net/stream/socket_file.hpp"
#include "net/stream/stream_options.hpp"

namespace sockx {

struct ListenerOptions {
  StreamOptions stream;
  SocketFileRights file;    // of a unix socket
  bool v6only = false;      // IPv6 alone
  bool reuse_port = false;  // beside other sockets of this user that do the same: SO_REUSEPORT in socket(7)
  int backlog = SOMAXCONN;
  Deadline deadline = never;  // for the look-up of a name, or for a socket to be passed
  std::function<void(const Connection&)> tell = [](const Connection&) {};  // of each connection
};

/// A listening socket. Dropping it closes the socket and removes a unix socket's file.
class Listener {
 public:
  /// `socket` listens already.
  Listener(EventLoop& loop, Socket socket, const ListenerOptions& options);
  Listener(Listener&&) = default;
  Listener& operator=(Listener&&) = delete;  // it would close a socket under its watch

  /// Where it listens; the port is the kernel's choice when 0 was asked for.
  const Address& address() const { return address_; }
  /// Whether accept() would not wait.
  bool has_waiting() const;

 private:
  friend std::optional<Connection> accept_now(Listener& listener);
  friend Task<Connection> accept(Listener& listener, Deadline deadline);
  friend Task<> wait_for_connection(Listener& listener);
  friend Task<Connection> next_connection(Listener& listener, Deadline deadline);
  friend Task<Listener> listen_on(Endpoint endpoint, ListenerOptions options);
  Socket socket_;
  std::unique_ptr<Watch> watch_;  // goes before the socket
  std::unique_ptr<SocketFile> file_;
  Address address_;
  StreamOptions options_;
  std::function<void(const Connection&)> tell_;
  Descriptor facts_;  // of a connection, but for number and name
  bool may_block_;    // inherited in blocking mode, and left so
  bool sets_reset_;   // on each connection: the socket was inherited without that setting
};

/// Binds and listens. Without a host it is one dual-stack socket, or IPv4 alone where there is no IPv6. The
/// file of a unix socket without a listener is replaced; a live one is not. Throws Error with
/// Origin::local_address, ResolveError, BadInput.
Task<Listener> listen_on(Endpoint endpoint, ListenerOptions options);

/// `count` sockets that share one port, each with a queue of its own. Other programs cannot bind to the port
/// unless reuse_port is set. For TCP endpoints. Throws as listen_on().
Task<std::vector<Socket>> share_port(Endpoint endpoint, ListenerOptions options, unsigned count);

/// The next connection, to which the layers of the options have been applied. Throws TimedOut at the
/// deadline, Error when descriptors have run out, and what a layer throws.
Task<Connection> accept(Listener& listener, Deadline deadline = never);

/// The same without its layers, for a caller that first decides whether to serve it.
Task<Connection> next_connection(Listener& listener, Deadline deadline = never);
/// Does not wait: nothing when there is none.
std::optional<Connection> accept_now(Listener& listener);
/// Until accept_now() has one, most likely.
Task<> wait_for_connection(Listener& listener);

}  // namespace sockx
