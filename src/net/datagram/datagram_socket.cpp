#include "net/datagram/datagram_socket.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/network_interface.hpp"
#include "net/address/numeric_address.hpp"
#include "net/address/resolve.hpp"
#include "net/stream/adopt.hpp"
#include "os/observer.hpp"
#include "os/socket_query.hpp"

namespace sockx {

namespace {

/// A socket of IPv6 is told of what comes over IPv4 by both: by IP_PKTINFO also whether it was a broadcast.
void ask_for_destination(const Socket& socket, int family) {
  if (family == AF_INET6) try_option(socket.fd(), "IPV6_RECVPKTINFO", "on");
  try_option(socket.fd(), "IP_PKTINFO", "on");
}

Socket open_socket(int family, const DatagramOptions& options, bool answers_as_addressed = false) {
  const int protocol = !is_internet(family) ? 0 : options.udplite ? IPPROTO_UDPLITE : IPPROTO_UDP;
  auto socket = Socket::open(family, SOCK_DGRAM, protocol);
  for (const auto& setting : options.settings) check_level(setting, family);
  if (!options.interface.empty()) use_interface(socket, family, options.interface);
  ask_for_facts(socket, family, options);
  if (answers_as_addressed) ask_for_destination(socket, family);
  enlarge_queues(socket, options.settings);
  if (options.broadcast) set_option(socket.fd(), "SO_BROADCAST", "on");
  if (options.takes_trains && is_internet(family) && !options.udplite)
    try_option(socket.fd(), "UDP_GRO", "on");
  for (const auto& setting : options.settings) apply(socket.fd(), setting);
  return socket;
}

/// What is sent to groups. A socket of IPv6 sends to those of IPv4 too.
void prepare_sending_to_groups(const Socket& socket, int family, const MulticastOptions& options) {
  const auto interface =
      options.interface.empty() ? 0 : interface_index("mcast-interface", options.interface);
  const auto set = [&](const std::string& ipv4, const std::string& ipv6, const std::string& value) {
    if (family == AF_INET6) set_option(socket.fd(), ipv6, value);
    set_option(socket.fd(), ipv4, value);
  };
  if (options.ttl) set("IP_MULTICAST_TTL", "IPV6_MULTICAST_HOPS", std::to_string(*options.ttl));
  if (options.loop) set("IP_MULTICAST_LOOP", "IPV6_MULTICAST_LOOP", *options.loop ? "on" : "off");
  if (interface != 0) set("IP_MULTICAST_IF", "IPV6_MULTICAST_IF", options.interface);
}

void join(const Socket& socket, const Group& group, const MulticastOptions& options) {
  const auto place = text("{},{}", group.address.ntop(), group.interface);
  const auto is_of_family = [&](const Address& source) { return source.family() == group.address.family(); };
  if (std::ranges::none_of(options.sources, is_of_family))
    set_option(socket.fd(), "MCAST_JOIN_GROUP", group.interface.empty() ? group.address.ntop() : place);
  for (const auto& source : options.sources)
    if (is_of_family(source))
      set_option(socket.fd(), "MCAST_JOIN_SOURCE_GROUP",
                 text("{},{},{}", group.address.ntop(), source.ntop(), group.interface));
}

/// A socket receives from the groups that it has joined, not from those that other sockets of this host have.
void join_groups(const Socket& socket, int family, const MulticastOptions& options, bool dual_stack) {
  if (options.groups.empty()) return;
  if (family == AF_INET6) try_option(socket.fd(), "IPV6_MULTICAST_ALL", "off");
  try_option(socket.fd(), "IP_MULTICAST_ALL", "off");
  for (const auto& group : options.groups) {
    if (!group.interface.empty()) interface_index("join", group.interface);
    const bool is_heard = group.address.family() == family || (family == AF_INET6 && dual_stack);
    if (!is_heard)
      throw BadInput("join", text("'{}': this socket is of {} alone", group.address.ntop(),
                                  family == AF_INET ? "IPv4" : "IPv6"));
    try {
      join(socket, group, options);
    } catch (const Error& error) {
      if (error.number() != ENODEV) throw;
      throw about("join", Error(ENODEV,
                                text("{0}: no route to it; say on which interface: {0}%INTERFACE",
                                     group.address.ntop()),
                                Origin::local_address));
    }
  }
}

/// Lets the kernel choose a name, as bind(2) does for an address that is only a family: unix(7).
void bind_anywhere(Socket& socket) {
  sockaddr_storage unnamed{};
  unnamed.ss_family = AF_UNIX;
  socket.bind({reinterpret_cast<const sockaddr*>(&unnamed), sizeof unnamed.ss_family});
}

/// connect(2) fails with EACCES for a broadcast address, and for one that a route forbids. Throws BadInput
/// for a broadcast address.
void check_broadcast(Socket& socket, const Address& address) {
  set_option(socket.fd(), "SO_BROADCAST", "on");
  if (socket.connect(address) == 0)
    throw advise(BadInput(text("'{}' is a broadcast address", address.to_string())), "broadcast");
}

/// `source` is of the family of the address.
DatagramEnd dial_address(const Address& address, const std::optional<Address>& source,
                         const DatagramOptions& options) {
  DatagramEnd end;
  end.socket = open_socket(address.family(), options);
  if (is_internet(address.family()))
    prepare_sending_to_groups(end.socket, address.family(), options.multicast);
  if (source)
    end.file = bind_with_file(end.socket, *source);
  else if (address.family() == AF_UNIX)
    bind_anywhere(end.socket);
  join_groups(end.socket, address.family(), options.multicast, false);
  end.peer = address;
  const bool hears_others = address.is_multicast() || options.broadcast || !options.multicast.groups.empty();
  end.is_connected = !hears_others;
  if (end.is_connected) {
    const int error = end.socket.connect(address);
    if (error == EACCES && address.family() == AF_INET) check_broadcast(end.socket, address);
    if (error != 0) throw Error(error, text("connect {}", address.to_string()), Origin::peer);
  }
  end.local = end.socket.local();
  return end;
}

DatagramEnd adopt_datagrams(const InheritedFd& inherited, const DatagramOptions& options) {
  DatagramEnd end;
  end.socket = adopt(inherited.fd, SOCK_DGRAM);
  end.local = end.socket.local();
  const auto peer = end.socket.peer();
  end.is_connected = peer.size() != 0;
  if (end.is_connected) end.peer = peer;
  ask_for_facts(end.socket, end.local.family(), options);
  end.answers_as_addressed = !end.is_connected && end.local.is_any() && end.socket.protocol() == "udp";
  if (end.answers_as_addressed) ask_for_destination(end.socket, end.local.family());
  for (const auto& setting : options.settings) apply(end.socket.fd(), setting);
  return end;
}

void check_network(const Endpoint& endpoint, const DatagramOptions& options) {
  if (std::holds_alternative<PassedFd>(endpoint.where))
    throw BadInput(text("'{}': only stream sockets are passed; say fd:N", endpoint.to_string()));
  if (std::holds_alternative<HostPort>(endpoint.where)) return;
  const auto* const address = std::get_if<Address>(&endpoint.where);
  if (address != nullptr && address->family() != AF_UNIX)
    throw BadInput(text("'{}': datagrams go over UDP and unix sockets", endpoint.to_string()));
  const auto& multicast = options.multicast;
  refuse_given({{options.udplite, "udplite"},
                {options.broadcast, "broadcast"},
                {!options.interface.empty(), "interface"},
                {!multicast.groups.empty(), "join"},
                {multicast.ttl.has_value(), "mcast-ttl"},
                {multicast.loop.has_value(), "mcast-loop"},
                {!multicast.interface.empty(), "mcast-interface"},
                {options.source && address == nullptr, "source"}},
               text("'{}' is {}", endpoint.to_string(),
                    address != nullptr ? "reached through no network" : "a socket already"));
}

Task<std::vector<Address>> find_addresses(Endpoint endpoint, const DatagramOptions& options, int family) {
  std::vector<Address> addresses;
  if (const auto* address = std::get_if<Address>(&endpoint.where)) {
    addresses.push_back(*address);
    co_return addresses;
  }
  const ResolveOptions how{family, options.numeric, SOCK_DGRAM};
  addresses = co_await resolve(std::get<HostPort>(endpoint.where), how, options.deadline);
  co_return addresses;
}

/// Groups of one family need a socket of that family alone.
int family_to_bind(const DatagramOptions& options) {
  const auto& groups = options.multicast.groups;
  const auto is_ipv4 = [](const Group& group) { return group.address.family() == AF_INET; };
  if (options.family == AF_UNSPEC && !groups.empty() && std::ranges::all_of(groups, is_ipv4)) return AF_INET;
  return options.family;
}

DatagramEnd bind_address(const Address& address, const DatagramOptions& options, bool dual_stack) {
  DatagramEnd end;
  end.answers_as_addressed = address.is_any() && !options.udplite;
  end.socket = open_socket(address.family(), options, end.answers_as_addressed);
  // Several sockets may receive from a group, or broadcasts, on one port.
  if (!options.multicast.groups.empty() || options.broadcast)
    set_option(end.socket.fd(), "SO_REUSEADDR", "on");
  if (address.family() == AF_INET6) set_option(end.socket.fd(), "IPV6_V6ONLY", dual_stack ? "off" : "on");
  if (is_internet(address.family()))
    prepare_sending_to_groups(end.socket, address.family(), options.multicast);
  end.file = bind_with_file(end.socket, address);
  join_groups(end.socket, address.family(), options.multicast, dual_stack);
  end.local = end.socket.local();
  return end;
}

}  // namespace

Group Group::parse(const std::string& word) {
  const auto percent = word.find('%');
  const auto address = numeric_address(word.substr(0, percent));
  const bool has_interface = percent != std::string::npos && percent + 1 < word.size();
  if (!address || !address->is_multicast() || (percent != std::string::npos && !has_interface))
    throw BadInput(text(
        "'{}': a group is an address of 224.0.0.0/4 or ff00::/8, like 239.1.2.3 or ff02::1234%eth0", word));
  return {*address, has_interface ? word.substr(percent + 1) : ""};
}

void enlarge_queues(const Socket& socket, const std::vector<OptionSetting>& settings) {
  constexpr int wanted = 8 * 1024 * 1024;
  struct Queue {
    std::string name, forced;
    int number;
  };
  for (const auto& queue :
       {Queue{"SO_RCVBUF", "SO_RCVBUFFORCE", SO_RCVBUF}, {"SO_SNDBUF", "SO_SNDBUFFORCE", SO_SNDBUF}}) {
    const auto is_it = [&queue](const OptionSetting& setting) {
      return setting.option->name == queue.name || setting.option->name == queue.forced;
    };
    const bool is_chosen = std::ranges::any_of(settings, is_it);
    if (is_chosen || socket_query(socket.fd(), queue.number, queue.name).value_or(0) >= wanted) continue;
    try {
      set_option(socket.fd(), queue.forced,
                 std::to_string(wanted));  // CAP_NET_ADMIN; else rmem_max is the limit
    } catch (const Error&) {
      try_option(socket.fd(), queue.name, std::to_string(wanted));
    }
  }
}

void ask_for_facts(const Socket& socket, int family, const DatagramOptions& options) {
  try_option(socket.fd(), "SO_RXQ_OVFL", "on");
  if (options.tells_facts || options.tells_time) try_option(socket.fd(), "SO_TIMESTAMPNS", "on");
  if (options.tells_user && family == AF_UNIX) set_option(socket.fd(), "SO_PASSCRED", "on");
  if (!is_internet(family)) return;
  try_option(socket.fd(), "IP_RECVERR", "on");  // of a socket of IPv6 too, for what comes over IPv4
  if (family == AF_INET6) try_option(socket.fd(), "IPV6_RECVERR", "on");
  if (!options.tells_facts) return;
  for (const auto* const name : {"IP_RECVTTL", "IP_RECVTOS"}) try_option(socket.fd(), name, "on");
  if (family == AF_INET) try_option(socket.fd(), "IP_PKTINFO", "on");
  if (family == AF_INET6)
    for (const auto* const name : {"IPV6_RECVPKTINFO", "IPV6_RECVHOPLIMIT", "IPV6_RECVTCLASS"})
      try_option(socket.fd(), name, "on");
}

Task<DatagramEnd> dial_datagrams(Endpoint endpoint, DatagramOptions options) {
  check_network(endpoint, options);
  if (const auto* const inherited = std::get_if<InheritedFd>(&endpoint.where)) {
    auto end = adopt_datagrams(*inherited, options);
    if (!end.is_connected)
      throw advise(BadInput(text("'{}': that socket is not connected", endpoint.to_string())), "udp-listen");
    co_return end;
  }
  auto addresses = co_await find_addresses(endpoint, options, options.family);
  if (options.source) options.source->leave_family(addresses, endpoint.to_string());
  std::exception_ptr first_failure;
  for (const auto& address : addresses) {
    const auto source = options.source ? options.source->in_family(address.family()) : std::nullopt;
    const auto file = source.value_or(Address());
    const auto lock = co_await lock_name(file, never);
    try {
      co_return dial_address(address, source, options);
    } catch (const Error&) {
      if (!first_failure) first_failure = std::current_exception();
    }
  }
  std::rethrow_exception(first_failure);
}

Task<DatagramEnd> bind_datagrams(Endpoint endpoint, DatagramOptions options) {
  check_network(endpoint, options);
  if (const auto* const inherited = std::get_if<InheritedFd>(&endpoint.where)) {
    co_return adopt_datagrams(*inherited, options);
  }
  const int family = family_to_bind(options);
  std::vector<Address> addresses;
  if (options.source) {
    addresses.push_back(options.source->to_listen_on(endpoint, family));
  } else {
    addresses = co_await find_addresses(endpoint, options, family);
  }
  const auto* const where = std::get_if<HostPort>(&endpoint.where);
  const bool dual_stack = where != nullptr && where->host.empty() && family == AF_UNSPEC;
  std::exception_ptr first_failure;
  for (const auto& address : addresses) {
    const auto lock = co_await lock_name(address, never);
    try {
      co_return bind_address(address, options, dual_stack && address.family() == AF_INET6);
    } catch (const Error& error) {
      if (!first_failure) first_failure = std::current_exception();
      if (error.number() != EAFNOSUPPORT && error.number() != EADDRNOTAVAIL) break;
    }
  }
  std::rethrow_exception(first_failure);
}

}  // namespace sockx
