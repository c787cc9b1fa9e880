#include "net/socket.hpp"

#include <linux/mptcp.h>
#include <netinet/in.h>

#include <cerrno>

#include "base/text.hpp"
#include "net/address/names.hpp"
#include "os/calls.hpp"
#include "os/observer.hpp"
#include "os/socket_query.hpp"

namespace sockx {

namespace {

int option(int fd, int number, std::string_view name) {
  const auto value = socket_query(fd, number, name);
  if (!value) throw_errno("getsockopt");
  return *value;
}

/// accept(2) hands over an error that waits on the new connection, or a firewall's word: the next may be
/// better.
bool is_of_the_connection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

template <class Call>
Address name_by(Call call, std::string_view call_name, int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  const int result = call(fd, address, &size);
  const auto named = result == 0 ? Address(address, size) : Address();
  if (calls_are_observed()) tell_observer(call_name, std::to_string(fd), result, named.to_string());
  return named;
}

}  // namespace

Socket Socket::open(int family, int type, int protocol) {
  const int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  observe_call("socket", fd, "{}, {}, {}", address_families.name_of(family), socket_types.name_of(type),
               protocol_name(protocol));
  const bool is_forbidden = errno == EPERM || errno == EACCES;
  if (fd < 0)
    throw_errno(text("socket {} {} {}", address_families.name_of(family), socket_types.name_of(type),
                     protocol_name(protocol)),
                is_forbidden ? Origin::local_address : Origin::system);
  return Socket(UniqueFd(fd));
}

void Socket::bind(const Address& address) {
  const int result = ::bind(fd(), address.data(), address.size());
  observe_call("bind", result, "{}, {}", fd(), address.to_string());
  if (result < 0) throw_errno(text("bind {}", address.to_string()), Origin::local_address);
}

void Socket::listen(int backlog) {
  const int result = ::listen(fd(), backlog);
  observe_call("listen", result, "{}, {}", fd(), backlog);
  if (result < 0) throw_errno(text("listen {}", local().to_string()), Origin::local_address);
}

int Socket::connect(const Address& address) {
  const int result = uninterrupted([&] { return ::connect(fd(), address.data(), address.size()); });
  observe_call("connect", result, "{}, {}", fd(), address.to_string());
  return result == 0 ? 0 : errno;
}

std::optional<Socket> Socket::accept(Address& peer) {
  for (;;) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    const int made =
        uninterrupted([&] { return accept4(fd(), address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC); });
    if (calls_are_observed())
      tell_observer("accept", std::to_string(fd()), made, made < 0 ? "" : Address(address, size).to_string());
    if (made >= 0) {
      peer = Address(address, size);
      return Socket(UniqueFd(made));
    }
    if (errno == EAGAIN) return {};
    if (!is_of_the_connection(errno)) throw_errno("accept");
  }
}

int Socket::take_error() { return option(fd(), SO_ERROR, "SO_ERROR"); }

Address local_address(int socket) { return name_by(getsockname, "getsockname", socket); }
Address Socket::local() const { return local_address(fd()); }
Address peer_address(int socket) { return name_by(getpeername, "getpeername", socket); }
Address Socket::peer() const { return peer_address(fd()); }
bool Socket::is_listening() const { return option(fd(), SO_ACCEPTCONN, "SO_ACCEPTCONN") != 0; }
int Socket::type() const { return option(fd(), SO_TYPE, "SO_TYPE"); }
std::string_view Socket::protocol() const { return protocol_of(fd()); }
std::string_view protocol_of(int socket) {
  if (option(socket, SO_DOMAIN, "SO_DOMAIN") == AF_UNIX) return "unix";
  switch (option(socket, SO_PROTOCOL, "SO_PROTOCOL")) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_MPTCP:
      return "mptcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_UDPLITE:
      return "udplite";
    default:
      return "vsock";
  }
}

/// The socket of a connection that has fallen back still calls itself IPPROTO_MPTCP where it dialed, but has
/// nothing to tell of MPTCP any more.
bool uses_mptcp(int socket) {
  mptcp_info info{};
  socklen_t size = sizeof info;
  const int result = getsockopt(socket, SOL_MPTCP, MPTCP_INFO, &info, &size);
  observe_call("getsockopt", result, "{}, SOL_MPTCP, MPTCP_INFO", socket);
  return result == 0;
}
bool Socket::uses_mptcp() const { return sockx::uses_mptcp(fd()); }

Descriptor Socket::described(const std::string& name) const { return describe(fd(), name, Origin::peer); }

}  // namespace sockx
