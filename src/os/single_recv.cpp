#include "os/single_recv.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "os/calls.hpp"
#include "os/fd_passing.hpp"
#include "os/message_flags.hpp"
#include "os/observer.hpp"

namespace sockx {

SingleRecv recv_as_asked(const Descriptor& from, std::size_t size, int flags) {
  SingleRecv result;
  result.bytes.resize(size);
  iovec place{result.bytes.data(), size};
  alignas(cmsghdr) std::array<char, 512> control;
  msghdr message{};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  result.returned = uninterrupted([&] { return recvmsg(from.fd, &message, flags); });
  result.error = result.returned < 0 ? errno : 0;
  result.flags = result.returned < 0 ? 0 : message.msg_flags;
  if (result.returned >= 0) close_passed_fds(message);
  const bool is_dropped = from.kind == Descriptor::Kind::tcp && (flags & MSG_TRUNC) != 0;
  const auto received = is_dropped ? 0 : static_cast<std::size_t>(std::max(result.returned, 0L));
  result.bytes.resize(std::min(size, received));
  return result;
}

void observe(const SingleRecv& call, const Descriptor& from, std::size_t size, int flags) {
  errno = call.error;
  observe_call("recvmsg", call.returned, "{}, {}, {}", from.fd, size, message_flags(flags));
}

}  // namespace sockx
