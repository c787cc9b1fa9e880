#include "net/socket_facts.hpp"

#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>

#include "base/error.hpp"
#include "net/option/socket_option.hpp"
#include "net/option/tcp_info.hpp"
#include "os/socket_query.hpp"

namespace sockx {

namespace {

template <class Form>
const Form& as(const Address& address) {
  return *reinterpret_cast<const Form*>(address.data());
}

/// A socket without a name of its own has an address all the same: of no port, or of no path. What a raw
/// socket has in place of the port is its protocol.
bool is_named(const Address& address, int type) {
  switch (address.family()) {
    case AF_INET:
    case AF_INET6:
      if (type == SOCK_RAW) return address.ntop() != Address::any(address.family(), 0).ntop();
      return address.port() != 0;
    case AF_NETLINK:
      return as<sockaddr_nl>(address).nl_pid != 0 || as<sockaddr_nl>(address).nl_groups != 0;
    case AF_PACKET:
      return as<sockaddr_ll>(address).sll_ifindex != 0 || as<sockaddr_ll>(address).sll_protocol != 0;
    case AF_VSOCK:
      return address.port() != VMADDR_PORT_ANY;
    case AF_UNIX:
      return !address.host().empty();
    default:
      return address.size() != 0;
  }
}

std::string state_of(const Socket& socket, const SocketFacts& facts, const Address& local,
                     const Address& peer) {
  try {
    const bool is_tcp = facts.protocol == IPPROTO_TCP || facts.protocol == IPPROTO_MPTCP;
    if (is_tcp) return tcp_state_of(read_option(socket.fd(), find_option("TCP_INFO")));
  } catch (const Error&) {
    // as for other sockets, then
  }
  if (socket_query(socket.fd(), SO_ACCEPTCONN, "SO_ACCEPTCONN").value_or(0) != 0) return "listening";
  const bool has_peer = peer.size() != 0 && (peer.family() != AF_NETLINK || is_named(peer, facts.type));
  if (has_peer) return "connected";
  return is_named(local, facts.type) ? "bound" : "unbound";
}

}  // namespace

SocketFacts facts_of(const Socket& socket) {
  SocketFacts facts;
  facts.family = socket_query(socket.fd(), SO_DOMAIN, "SO_DOMAIN").value_or(0);
  facts.type = socket_query(socket.fd(), SO_TYPE, "SO_TYPE").value_or(0);
  facts.protocol = socket_query(socket.fd(), SO_PROTOCOL, "SO_PROTOCOL").value_or(0);
  const auto local = socket.local(), peer = socket.peer();
  facts.state = state_of(socket, facts, local, peer);
  if (local.size() != 0) facts.local = local.to_string();
  if (peer.size() != 0) facts.peer = peer.to_string();
  return facts;
}

}  // namespace sockx
