#include "os/zero_copy.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "os/calls.hpp"
#include "os/io_result.hpp"
#include "os/observer.hpp"
#include "os/socket_query.hpp"

namespace sockx {

namespace {

/// Other messages in the queue, of ICMP for example, are ignored.
std::optional<SentNotice> read_notice(msghdr& message) {
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    const bool is_error = (part->cmsg_level == SOL_IP && part->cmsg_type == IP_RECVERR) ||
                          (part->cmsg_level == SOL_IPV6 && part->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    sock_extended_err error{};
    std::memcpy(&error, CMSG_DATA(part), sizeof error);
    if (error.ee_origin != SO_EE_ORIGIN_ZEROCOPY) continue;
    return SentNotice{error.ee_info, error.ee_data, (error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) != 0};
  }
  return {};
}

}  // namespace

bool enable_zero_copy(const Descriptor& socket) {
  const auto before = socket_query(socket.fd, SO_ZEROCOPY, "SO_ZEROCOPY");
  if (before != 0) {
    if (before) errno = EBUSY;
    return false;
  }
  const int on = 1;
  const int result = setsockopt(socket.fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on);
  return observe_call("setsockopt", result, "{}, SOL_SOCKET, SO_ZEROCOPY, on", socket.fd) == 0;
}

IoResult send_from_our_pages(const Descriptor& socket, std::span<const std::byte> bytes) {
  constexpr int flags = MSG_ZEROCOPY | MSG_NOSIGNAL | MSG_DONTWAIT;
  const long put = uninterrupted([&] { return send(socket.fd, bytes.data(), bytes.size(), flags); });
  observe_call("send", put, "{}, {}, MSG_NOSIGNAL|MSG_ZEROCOPY", socket.fd, bytes.size());
  if (put >= 0) return {IoResult::State::moved, static_cast<std::size_t>(put)};
  switch (errno) {
    case EAGAIN:
      return {IoResult::State::again};
    case EFAULT:
      return {IoResult::State::eof};
    case ENOBUFS:
      return {IoResult::State::refused};
    default:
      throw_errno(text("send {}", socket.name), socket.origin);
  }
}

std::optional<SentNotice> next_sent_notice(const Descriptor& socket) {
  for (;;) {
    alignas(cmsghdr) std::array<std::byte, 256> control;
    msghdr message{};
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const long got = uninterrupted([&] { return recvmsg(socket.fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT); });
    observe_call("recvmsg", got, "{}, MSG_ERRQUEUE", socket.fd);
    if (got < 0) return {};
    if (const auto notice = read_notice(message)) return notice;
  }
}

}  // namespace sockx
