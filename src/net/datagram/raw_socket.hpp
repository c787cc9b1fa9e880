// open_raw(): opens a raw IP socket, see raw(7); the headers of its packets; the Internet checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flow/task.hpp"
#include "net/datagram/datagram_socket.hpp"

namespace sockx {

struct RawSocketOptions {
  int protocol = 0;                     // of IP: what the header's protocol field says, and what is received
  bool ip_header = false;               // what is sent begins with the IP header: IP_HDRINCL, IPV6_HDRINCL
  std::optional<std::size_t> checksum;  // IPv6: where the kernel shall put one, of the pseudo header too
  DatagramOptions socket;
};

/// A raw socket that is connected to the host; or, where that is empty, receives from all and has no peer.
/// Throws Error with Origin::local_address where CAP_NET_RAW is missing, ResolveError, TimedOut, BadInput.
Task<DatagramEnd> open_raw(std::string host, RawSocketOptions options);

/// The bytes of the IPv4 header at the beginning of what a raw socket has received; 0 where there is none.
std::size_t ipv4_header_size(std::span<const std::byte> packet);

/// Where the IP header at the beginning of a packet says that it goes. Throws BadInput for what is no IP
/// header of that family, or does not agree with itself.
Address destination_in_header(std::span<const std::byte> packet, int family);

/// The Internet checksum (RFC 1071): the complement of the sum, in ones' complement, of the 16-bit words in
/// network order; an odd last byte counts as one with a zero behind it. Written in network order into bytes
/// in whose place there were zeros, it makes the checksum of the whole 0.
inline std::uint16_t internet_checksum(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += static_cast<std::uint64_t>(bytes[i]) << (i % 2 == 0 ? 8U : 0U);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace sockx
