#include "net/stream/listen.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/resolve.hpp"
#include "net/stream/handover.hpp"
#include "os/calls.hpp"

namespace sockx {

namespace {

struct Bound {
  Socket socket;
  std::unique_ptr<SocketFile> file;
};

/// What bind(2) looks at.
struct Binding {
  bool dual_stack = false;
  bool is_shared = false;  // with sockets of ours that are bound to the same port later
};

Bound bound_socket(const Address& address, const ListenerOptions& options, Binding how) {
  auto socket = open_socket(address.family(), options.stream);
  if (is_internet(address.family())) set_option(socket.fd(), "SO_REUSEADDR", "on");
  if (options.reuse_port) set_option(socket.fd(), "SO_REUSEPORT", "on");
  if (address.family() == AF_INET6) set_option(socket.fd(), "IPV6_V6ONLY", how.dual_stack ? "off" : "on");
  prepare_listening(socket, address, options.stream);
  const auto& rights = options.file;
  auto file = bind_with_file(socket, address, rights.mode);
  if (file) file->give_to(rights);
  // Only after bind(2), so that it fails for a port that another program listens on.
  if (how.is_shared && !options.reuse_port) set_option(socket.fd(), "SO_REUSEPORT", "on");
  socket.listen(options.backlog);
  return {std::move(socket), std::move(file)};
}

/// Binds the first address that can be bound. Throws the failure of the first one when none can.
Bound bind_first(const std::vector<Address>& addresses, const ListenerOptions& options, Binding how) {
  std::exception_ptr first_failure;
  for (const auto& address : addresses) {
    try {
      return bound_socket(address, options, how);
    } catch (const Error& error) {
      if (!first_failure) first_failure = std::current_exception();
      const bool no_such_family = error.number() == EAFNOSUPPORT || error.number() == EADDRNOTAVAIL;
      if (!no_such_family) break;  // a port in use is in use, whatever the family
    }
  }
  std::rethrow_exception(first_failure);
}

/// Where an endpoint may be bound.
struct Places {
  std::vector<Address> addresses;
  bool dual_stack = false;
};

Task<Places> find_places(Endpoint endpoint, const ListenerOptions& options) {
  Places places;
  if (const auto* address = std::get_if<Address>(&endpoint.where)) {
    places.addresses.push_back(*address);
    co_return places;
  }
  const auto& where = std::get<HostPort>(endpoint.where);
  const auto& stream = options.stream;
  if (stream.source) {
    places.addresses.push_back(stream.source->to_listen_on(endpoint, stream.family));
  } else {
    const int family = options.v6only ? AF_INET6 : stream.family;
    places.dual_stack = where.host.empty() && family == AF_UNSPEC;
    places.addresses = co_await resolve(where, {family, stream.numeric}, options.deadline);
  }
  co_return places;
}

Task<Bound> bind_under_lock(const Places& places, const ListenerOptions& options) {
  const auto lock = co_await lock_name(places.addresses.front(), options.deadline);
  co_return bind_first(places.addresses, options, {places.dual_stack});
}

/// Throws BadInput for what the endpoint's socket has no use for.
void check_binding(const ListenerOptions& options, const Endpoint& endpoint) {
  const auto* const address = std::get_if<Address>(&endpoint.where);
  if (address == nullptr || address->path().empty())
    refuse_given({{options.file.mode.has_value(), "mode"}, {options.file.user.has_value(), "owner"}},
                 text("'{}' has no file; it is for unix:PATH", endpoint.to_string()));
  if (!std::holds_alternative<HostPort>(endpoint.where))
    refuse_given({{options.v6only, "v6only"}, {options.reuse_port, "reuse-port"}},
                 text("'{}' is not bound to a port of TCP", endpoint.to_string()));
  const auto& source = options.stream.source;
  if (options.v6only && source && source->address->family() != AF_INET6)
    throw BadInput("v6only", text("'{}' is not of IPv6", source->word));
}

}  // namespace

Listener::Listener(EventLoop& loop, Socket socket, const ListenerOptions& options)
    : socket_(std::move(socket)),
      watch_(std::make_unique<Watch>(loop, socket_.fd())),
      address_(socket_.local()),
      options_(options.stream),
      tell_(options.tell),
      facts_(socket_.described("")),
      may_block_((fcntl(socket_.fd(), F_GETFL) & O_NONBLOCK) == 0),
      sets_reset_(options_.resets_on_close && is_internet(address_.family()) && !has_linger(socket_.fd())) {}

/// The facts of the listener hold for its connections too: no call asks for them again. A connection inherits
/// the congestion control of its listener, which prepare_listening() has chosen on a loopback address.
std::optional<Connection> accept_now(Listener& listener) {
  if (listener.may_block_ && !listener.has_waiting()) return {};
  Address peer;
  auto accepted = listener.socket_.accept(peer);
  if (!accepted) return {};
  if (listener.sets_reset_) set_reset_on_close(accepted->fd(), true);
  if (!listener.address_.is_loopback()) prefer_reno_on_this_host(accepted->fd(), peer, listener.options_);
  auto facts = listener.facts_;
  facts.fd = accepted->fd();
  facts.name = peer.to_string();
  facts.may_block = false;
  Connection connection{Stream(listener.watch_->loop(), std::move(*accepted).release(), std::move(facts)),
                        peer};
  listener.tell_(connection);
  return connection;
}

Task<Listener> listen_on(Endpoint endpoint, ListenerOptions options) {
  auto& loop = co_await this_loop();
  check_listening(options.stream, endpoint);
  check_binding(options, endpoint);
  if (endpoint.is_adopted()) {
    auto socket = co_await adopt_socket(endpoint, options.stream.type, options.deadline);
    if (!socket.is_listening())
      throw advise(BadInput(text("'{}': that socket is not listening", endpoint.to_string())), "connect");
    prepare_listening(socket, socket.local(), options.stream);
    co_return Listener(loop, std::move(socket), options);
  }
  auto places = co_await find_places(std::move(endpoint), options);
  auto bound = co_await bind_under_lock(places, options);
  Listener listener(loop, std::move(bound.socket), options);
  listener.file_ = std::move(bound.file);
  co_return listener;
}

Task<std::vector<Socket>> share_port(Endpoint endpoint, ListenerOptions options, unsigned count) {
  if (!std::holds_alternative<HostPort>(endpoint.where))
    throw BadInput("workers",
                   text("'{}' is not a port of TCP, which several can share", endpoint.to_string()));
  check_listening(options.stream, endpoint);
  check_binding(options, endpoint);
  auto places = co_await find_places(std::move(endpoint), options);
  const Binding how{places.dual_stack, true};
  std::vector<Socket> sockets;
  sockets.push_back(bind_first(places.addresses, options, how).socket);
  options.reuse_port = true;
  const auto address = sockets.front().local();
  while (sockets.size() < count) sockets.push_back(bound_socket(address, options, how).socket);
  co_return sockets;
}

bool Listener::has_waiting() const { return is_readable_now(socket_.fd()); }

Task<> wait_for_connection(Listener& listener) {
  while (!listener.has_waiting()) {
    listener.watch_->forget_readable();
    co_await listener.watch_->readable();
  }
}

Task<Connection> next_connection(Listener& listener, Deadline deadline) {
  for (;;) {
    if (auto connection = accept_now(listener)) co_return std::move(*connection);
    listener.watch_->forget_readable();
    const bool in_time = co_await listener.watch_->readable(deadline);
    if (!in_time) throw TimedOut(text("accept {}: timed out", listener.address().to_string()));
  }
}

Task<Connection> accept(Listener& listener, Deadline deadline) {
  auto connection = co_await next_connection(listener, deadline);
  const auto limit = std::min(deadline, after(time_for_layers));
  co_await apply_layers(listener.options_.layers, connection, limit);
  co_return connection;
}

}  // namespace sockx
