#include "net/datagram/raw_socket.hpp"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/network_interface.hpp"
#include "net/address/resolve.hpp"

namespace sockx {

namespace {

constexpr std::size_t least_header = 20, ipv6_header = 40;

Socket open_socket(int family, const RawSocketOptions& options) {
  try {
    return Socket::open(family, SOCK_RAW, options.protocol);
  } catch (const Error& error) {
    if (error.number() != EPERM && error.number() != EACCES) throw;
    throw Error(error.number(), "a raw socket needs the capability CAP_NET_RAW: socket SOCK_RAW",
                Origin::local_address);
  }
}

void prepare(const Socket& socket, int family, const RawSocketOptions& options) {
  if (options.ip_header) set_option(socket.fd(), family == AF_INET6 ? "IPV6_HDRINCL" : "IP_HDRINCL", "on");
  const bool is_done_by_kernel = options.protocol == IPPROTO_ICMPV6;  // always, at its own offset
  if (family != AF_INET6 || !options.checksum || is_done_by_kernel) return;
  if (*options.checksum % 2 != 0)
    throw BadInput("checksum", text("'{}': over IPv6 it is at an even place", *options.checksum));
  set_option(socket.fd(), "IPV6_CHECKSUM", std::to_string(*options.checksum));
}

DatagramEnd open_for(const std::optional<Address>& peer, int family, const RawSocketOptions& options) {
  const auto& how = options.socket;
  DatagramEnd end;
  end.socket = open_socket(family, options);
  for (const auto& setting : how.settings) check_level(setting, family);
  if (!how.interface.empty()) use_interface(end.socket, family, how.interface);
  ask_for_facts(end.socket, family, how);
  prepare(end.socket, family, options);
  for (const auto& setting : how.settings) apply(end.socket.fd(), setting);
  if (how.source) {
    const auto source = how.source->in_family(family);
    if (!source || how.source->port != 0)
      throw BadInput("source",
                     text("'{}': a raw socket's source is an address of its family", how.source->word));
    end.socket.bind(*source);
  }
  if (peer) {
    end.peer = peer;
    const int error = end.socket.connect(*peer);
    if (error != 0) throw Error(error, text("connect {}", peer->host()), Origin::peer);
    end.is_connected = true;
  }
  end.local = end.socket.local();
  return end;
}

}  // namespace

Task<DatagramEnd> open_raw(std::string host, RawSocketOptions options) {
  if (host.empty()) {
    const int family = options.socket.family != AF_UNSPEC   ? options.socket.family
                       : options.protocol == IPPROTO_ICMPV6 ? AF_INET6
                                                            : AF_INET;
    co_return open_for({}, family, options);
  }
  const ResolveOptions how{options.socket.family, options.socket.numeric, SOCK_DGRAM};
  HostPort where{host, 0};
  auto addresses = co_await resolve(std::move(where), how, options.socket.deadline);
  if (options.socket.source) options.socket.source->leave_family(addresses, host);
  for (const auto& address : addresses) {
    const int other_icmp = address.family() == AF_INET6 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
    if (options.protocol != other_icmp) co_return open_for(address, address.family(), options);
  }
  throw BadInput(text("'{}' has only addresses of {}: say {}", host,
                      options.protocol == IPPROTO_ICMP ? "IPv6" : "IPv4",
                      options.protocol == IPPROTO_ICMP ? "ipv6-icmp" : "icmp"));
}

std::size_t ipv4_header_size(std::span<const std::byte> packet) {
  if (packet.size() < least_header || (packet[0] >> 4U) != std::byte{4}) return 0;
  const auto size = static_cast<std::size_t>(packet[0] & std::byte{0xf}) * 4;
  return size < least_header || size > packet.size() ? 0 : size;
}

Address destination_in_header(std::span<const std::byte> packet, int family) {
  if (family == AF_INET) {
    if (ipv4_header_size(packet) == 0)
      throw BadInput("ip-header", text("{} without an IPv4 header in front", counted(packet.size(), "byte")));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, &packet[16], sizeof address.sin_addr);
    return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
  }
  if (packet.size() < ipv6_header || (packet[0] >> 4U) != std::byte{6})
    throw BadInput("ip-header", text("{} without an IPv6 header in front", counted(packet.size(), "byte")));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  std::memcpy(&address.sin6_addr, &packet[24], sizeof address.sin6_addr);
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

}  // namespace sockx
