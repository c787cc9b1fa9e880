#include "os/fd_passing.hpp"

#include <array>
#include <cstring>

#include "base/non_copyable.hpp"
#include "os/calls.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

/// A message of one byte with room for one descriptor.
struct Envelope : NonCopyable {
  char byte = 0;
  iovec content{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};

  Envelope() {
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_LEN(sizeof(int));  // CMSG_SPACE would hold a second, for padding
  }
};

}  // namespace

bool pass_fd(const Descriptor& socket, int fd) {
  Envelope envelope;
  cmsghdr* const rights = CMSG_FIRSTHDR(&envelope.message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  const long sent =
      uninterrupted([&] { return sendmsg(socket.fd, &envelope.message, MSG_NOSIGNAL | MSG_DONTWAIT); });
  observe_call("sendmsg", sent, "{}, SCM_RIGHTS [{}], MSG_NOSIGNAL", socket.fd, fd);
  if (sent >= 0) return true;
  if (errno == EAGAIN) return false;
  throw_errno(text("sendmsg {}", socket.name), socket.origin);
}

std::optional<UniqueFd> receive_fd(const Descriptor& socket) {
  Envelope envelope;
  const long got =
      uninterrupted([&] { return recvmsg(socket.fd, &envelope.message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); });
  const cmsghdr* const rights = CMSG_FIRSTHDR(&envelope.message);
  const bool has_fd =
      got >= 0 && rights != nullptr && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS;
  int fd = -1;
  if (has_fd) std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
  observe_call("recvmsg", got, "{}, SCM_RIGHTS [{}], MSG_CMSG_CLOEXEC", socket.fd, fd);
  if (got < 0 && errno == EAGAIN) return {};
  if (got < 0) throw_errno(text("recvmsg {}", socket.name), socket.origin);
  if (!has_fd && (envelope.message.msg_flags & MSG_CTRUNC) != 0)
    throw Error(EMFILE, text("recvmsg {}: no room for the descriptor", socket.name));
  if (!has_fd) throw Error(EPROTO, text("recvmsg {}: no descriptor came", socket.name), socket.origin);
  return UniqueFd(fd);
}

void close_passed_fds(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= part->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
      const UniqueFd closed(fd);
    }
  }
}

}  // namespace sockx
