#include "net/datagram/datagram_error.hpp"

#include <netinet/in.h>
// after those of the C library
#include <linux/errqueue.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"
#include "net/datagram/datagrams.hpp"
#include "os/calls.hpp"
#include "os/observer.hpp"

namespace sockx {

std::string DatagramError::about() const {
  const auto name = shown_address(destination);
  return reporter ? text("{} (ICMP type {}, code {}, from {})", name, type, code, reporter->host()) : name;
}

std::string DatagramError::to_string() const { return text("{}: {}", about(), std::strerror(number)); }

std::optional<DatagramError> take_datagram_error(const Descriptor& socket) {
  sockaddr_storage destination{};
  std::byte payload{};  // the datagram's own, of which nothing is needed
  iovec piece{&payload, sizeof payload};
  alignas(cmsghdr) std::array<char, 512> control{};
  msghdr message{};
  message.msg_name = &destination;
  message.msg_namelen = sizeof destination;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const long got = uninterrupted([&] { return recvmsg(socket.fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT); });
  observe_call("recvmsg", got, "{}, 1, MSG_ERRQUEUE", socket.fd);
  if (got < 0 && errno == EAGAIN) return {};
  if (got < 0) throw_errno(text("recvmsg {}", socket.name), socket.origin);
  DatagramError error;
  error.destination = {reinterpret_cast<const sockaddr*>(&destination), message.msg_namelen};
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    const bool is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                          (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    sock_extended_err details{};
    std::memcpy(&details, CMSG_DATA(part), sizeof details);
    error.number = static_cast<int>(details.ee_errno);
    error.type = details.ee_type;
    error.code = details.ee_code;
    const bool is_icmp = details.ee_origin == SO_EE_ORIGIN_ICMP || details.ee_origin == SO_EE_ORIGIN_ICMP6;
    if (!is_icmp) continue;
    // SO_EE_OFFENDER of linux/errqueue.h: an address follows the structure.
    const auto* const offender = CMSG_DATA(part) + sizeof details;
    const auto room = part->cmsg_len - CMSG_LEN(sizeof details);
    error.reporter = Address(reinterpret_cast<const sockaddr*>(offender), static_cast<socklen_t>(room));
  }
  return error;
}

}  // namespace sockx
