#include "net/listen.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "net/handover.hpp"
#include "net/resolve.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

/// Removes the file of a unix socket that nobody listens on. To find out, it is connected to with a type that
/// no listener of ours has: a live socket of another type answers EPROTOTYPE and notices nothing.
void remove_stale_socket(const Address& address) {
  struct stat status {};
  const auto path = address.path();
  if (path.empty() || lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  auto probe = Socket::open(AF_UNIX, SOCK_DGRAM, 0);
  if (probe.connect(address) == ECONNREFUSED) unlink(path.c_str());
}

struct Bound {
  Socket socket;
  std::unique_ptr<SocketFile> file;
};

Bound bound_socket(const Address& address, const ListenOptions& options, bool dual_stack) {
  auto socket = open_socket(address.family(), options.stream);
  if (address.family() == AF_UNIX) remove_stale_socket(address);
  if (address.family() == AF_INET || address.family() == AF_INET6)
    set_option(socket.fd(), "SO_REUSEADDR", "on");
  if (address.family() == AF_INET6) set_option(socket.fd(), "IPV6_V6ONLY", dual_stack ? "off" : "on");
  prepare_listening(socket, address, options.stream);
  socket.bind(address);
  auto file = address.path().empty() ? nullptr : std::make_unique<SocketFile>(address.path());
  socket.listen(options.backlog);
  return {std::move(socket), std::move(file)};
}

/// The first address that can be bound; when none can, the failure of the first.
Bound bind_first(const std::vector<Address>& addresses, const ListenOptions& options, bool dual_stack) {
  std::exception_ptr first_failure;
  for (const auto& address : addresses) {
    try {
      return bound_socket(address, options, dual_stack);
    } catch (const Error& error) {
      if (!first_failure) first_failure = std::current_exception();
      const bool no_such_family = error.number() == EAFNOSUPPORT || error.number() == EADDRNOTAVAIL;
      if (!no_such_family) break;  // a port in use is in use, whatever the family
    }
  }
  std::rethrow_exception(first_failure);
}

}  // namespace

Listener::Listener(EventLoop& loop, Socket socket, const ListenOptions& options)
    : socket_(std::move(socket)),
      watch_(std::make_unique<Watch>(loop, socket_.fd())),
      address_(socket_.local()),
      options_(options.stream),
      tell_(options.tell),
      described_(socket_.described("")),
      may_block_((fcntl(socket_.fd(), F_GETFL) & O_NONBLOCK) == 0) {}

Descriptor Listener::described(const Accepted& accepted) const {
  auto connection = described_;
  connection.fd = accepted.socket.fd();
  connection.name = accepted.peer.to_string();
  return connection;
}

Task<Listener> listen_on(Endpoint endpoint, ListenOptions options) {
  auto& loop = co_await this_loop();
  check_listening(options.stream, endpoint);
  if (endpoint.is_adopted()) {
    auto socket = co_await adopt_socket(endpoint, options.stream.type, options.deadline);
    if (!socket.is_listening())
      throw BadInput(text("'{}': that socket is not listening; say sockx connect", endpoint.to_string()));
    prepare_listening(socket, socket.local(), options.stream);
    co_return Listener(loop, std::move(socket), options);
  }
  std::vector<Address> addresses;
  bool dual_stack = false;
  if (const auto* address = std::get_if<Address>(&endpoint.where)) {
    addresses.push_back(*address);
  } else {
    const auto& where = std::get<HostPort>(endpoint.where);
    if (options.stream.source) {
      addresses.push_back(options.stream.source->address->with_port(where.port));
    } else {
      dual_stack = where.host.empty() && options.stream.family == AF_UNSPEC;
      addresses = co_await resolve(where, {options.stream.family, options.stream.numeric}, options.deadline);
    }
  }
  auto bound = bind_first(addresses, options, dual_stack);
  Listener listener(loop, std::move(bound.socket), options);
  listener.file_ = std::move(bound.file);
  co_return listener;
}

Task<Accepted> accept(Listener& listener, Deadline deadline) {
  for (;;) {
    if (!listener.may_block_ || is_readable_now(listener.socket_.fd())) {
      if (auto accepted = listener.socket_.accept()) {
        // A connection has the algorithm of its listener, which prepare_listening() has chosen on a loopback.
        if (!listener.address_.is_loopback())
          prefer_reno_on_this_host(accepted->socket, accepted->peer, listener.options_);
        listener.tell_(*accepted);
        co_return std::move(*accepted);
      }
    }
    listener.watch_->forget_readable();
    const bool in_time = co_await listener.watch_->readable(deadline);
    if (!in_time) throw TimedOut(text("accept {}: timed out", listener.address().to_string()));
  }
}

}  // namespace sockx
