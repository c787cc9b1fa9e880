#include "os/records.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "os/calls.hpp"
#include "os/fd_passing.hpp"
#include "os/io_result.hpp"
#include "os/message_flags.hpp"
#include "os/observer.hpp"
#include "os/socket_query.hpp"

namespace sockx {

void tell_empty_records_from_the_end(const Descriptor& socket) {
  const int on = 1;
  const int result = setsockopt(socket.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  observe_call("setsockopt", result, "{}, SOL_SOCKET, SO_PASSCRED, on", socket.fd);
}

IoResult send_record(const Descriptor& to, std::span<const std::byte> record) {
  const int flags = MSG_NOSIGNAL | to.send_flags;
  const long put =
      uninterrupted([&] { return send(to.fd, record.data(), record.size(), flags | MSG_DONTWAIT); });
  observe_call("send", put, "{}, {}, {}", to.fd, record.size(), shown_flags(flags));
  if (put >= 0) return {IoResult::State::moved, static_cast<std::size_t>(put)};
  if (errno == EAGAIN) return {IoResult::State::again, 0};
  if (errno != EMSGSIZE) throw_errno(text("send {}", to.name), to.origin);
  throw Error(EMSGSIZE, text("send {}: a record of {}, but the socket takes at most {}", to.name,
                             counted(record.size(), "byte"), longest_record(to)));
}

std::size_t longest_record(const Descriptor& to) {
  constexpr int overhead = 32;  // the kernel's own, in SO_SNDBUF
  const int size = socket_query(to.fd, SO_SNDBUF, "SO_SNDBUF").value_or(overhead);
  return static_cast<std::size_t>(std::max(size - overhead, 0));
}

namespace {

/// `bytes` is the record's own size, whatever of it found room.
IoResult receive(const Descriptor& from, std::span<std::byte> buffer) {
  iovec place{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control;
  msghdr message{};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const long got = uninterrupted([&] { return recvmsg(from.fd, &message, MSG_DONTWAIT | MSG_TRUNC); });
  observe_call("recvmsg", got, "{}, {}, MSG_TRUNC", from.fd, buffer.size());
  if (got < 0 && errno == EAGAIN) return {IoResult::State::again, 0};
  if (got < 0) throw_errno(text("recvmsg {}", from.name), from.origin);
  close_passed_fds(message);
  const bool is_record = got > 0 || message.msg_controllen > 0;
  return {is_record ? IoResult::State::moved : IoResult::State::eof, static_cast<std::size_t>(got)};
}

}  // namespace

IoResult receive_record(const Descriptor& from, std::span<std::byte> buffer) {
  const auto got = receive(from, buffer);
  if (got.bytes > buffer.size())
    throw Error(EMSGSIZE, text("recvmsg {}: a record of {}, but at most {} are taken", from.name,
                               counted(got.bytes, "byte"), buffer.size()));
  return got;
}

IoResult drop_record(const Descriptor& from) { return receive(from, {}); }

}  // namespace sockx
