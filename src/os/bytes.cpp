#include "os/bytes.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "os/calls.hpp"
#include "os/message_flags.hpp"
#include "os/observer.hpp"
#include "os/standard_streams.hpp"

namespace sockx {

namespace {

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

/// The outcome of a call on a single descriptor; 0 bytes mean end-of-file when reading.
IoResult outcome(long result, std::string_view call, const Descriptor& end) {
  if (result > 0) return {IoResult::State::moved, static_cast<std::size_t>(result)};
  if (result == 0) return {IoResult::State::eof, 0};
  if (would_block()) return {IoResult::State::again, 0};
  throw_errno(text("{} {}", call, end.name), end.origin);
}

/// Which of the two has failed, by the errno: EPIPE and a full disk are the sink's, the errors of connections
/// the socket's, and the others the file's.
const Descriptor& guilty(int number, const Descriptor& from, const Descriptor& to) {
  switch (number) {
    case EPIPE:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return to;
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENOTCONN:
      return from.is_socket() ? from : to;
    default:
      return to.is_file() || from.is_socket() ? to : from;
  }
}

IoResult outcome_of_two(long result, std::string_view call, const Descriptor& from, const Descriptor& to) {
  if (result > 0) return {IoResult::State::moved, static_cast<std::size_t>(result)};
  if (result == 0) return {IoResult::State::eof, 0};
  const int number = errno;
  if (would_block()) return {IoResult::State::again, 0};
  if (number == EINVAL || number == ENOSYS || number == EOPNOTSUPP) return {IoResult::State::refused, 0};
  throw_error_of_two(number, call, from, to);
}

/// Whether a call has failed because a terminal has been hung up: see Descriptor::HangUp.
bool is_hang_up(const Descriptor& end) { return end.kind == Descriptor::Kind::terminal && errno == EIO; }

/// The same for a call that writes. What nobody will read any more fills a pseudo-terminal, which does not
/// fail.
bool has_lost_reader(const Descriptor& to) {
  if (to.kind != Descriptor::Kind::terminal || to.hang_up == Descriptor::HangUp::pause) return false;
  if (!would_block()) return errno == EIO;
  pollfd now{to.fd, 0, 0};
  uninterrupted([&] { return poll(&now, 1, 0); });
  errno = EAGAIN;
  return (now.revents & POLLHUP) != 0;
}

IoResult look_ahead_in_terminal(const Descriptor& from) {
  pollfd now{from.fd, POLLIN, 0};
  uninterrupted([&] { return poll(&now, 1, 0); });
  int waiting = 0;  // a line that has been hung up counts as readable
  if ((now.revents & POLLIN) != 0) ioctl(from.fd, FIONREAD, &waiting);
  if (waiting > 0) return {IoResult::State::moved, static_cast<std::size_t>(waiting)};
  const bool has_ended = (now.revents & POLLHUP) != 0 && from.hang_up == Descriptor::HangUp::end;
  return {has_ended ? IoResult::State::eof : IoResult::State::again, 0};
}

}  // namespace

void throw_error_of_two(int number, std::string_view call, const Descriptor& from, const Descriptor& to) {
  const Descriptor& end = guilty(number, from, to);
  throw Error(number, text("{} {}", call, end.name), end.origin);
}

IoResult peek_socket(const Descriptor& from, std::span<std::byte> buffer) {
  const long got =
      uninterrupted([&] { return recv(from.fd, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT); });
  return outcome(observe_call("recv", got, "{}, {}, MSG_PEEK", from.fd, buffer.size()), "recv", from);
}

IoResult look_ahead(const Descriptor& from) {
  if (from.is_socket()) {
    std::byte byte;
    return peek_socket(from, {&byte, 1});
  }
  if (from.kind == Descriptor::Kind::terminal) return look_ahead_in_terminal(from);
  int waiting = 1;
  if (from.kind == Descriptor::Kind::pipe) ioctl(from.fd, FIONREAD, &waiting);
  if (waiting > 0) return {IoResult::State::moved, static_cast<std::size_t>(waiting)};
  return {is_readable_now(from.fd) ? IoResult::State::eof : IoResult::State::again, 0};
}

IoResult read_some(const Descriptor& from, std::span<std::byte> buffer) {
  if (from.is_socket()) {
    const long got = uninterrupted([&] { return recv(from.fd, buffer.data(), buffer.size(), MSG_DONTWAIT); });
    return outcome(observe_call("recv", got, "{}, {}, 0", from.fd, buffer.size()), "recv", from);
  }
  if (from.may_block && !is_readable_now(from.fd)) return {IoResult::State::again, 0};
  const bool would_stop_us = from.kind == Descriptor::Kind::device && is_in_background(from.fd);
  if (would_stop_us) return {IoResult::State::again, 0};
  const long got = uninterrupted([&] { return read(from.fd, buffer.data(), buffer.size()); });
  observe_call("read", got, "{}, {}", from.fd, buffer.size());
  if (got < 0 && is_hang_up(from))
    return {from.hang_up == Descriptor::HangUp::end ? IoResult::State::eof : IoResult::State::again, 0};
  return outcome(got, "read", from);
}

IoResult write_some(const Descriptor& to, std::span<const std::byte> bytes, int flags) {
  if (to.is_socket()) {
    flags |= MSG_NOSIGNAL | to.send_flags;
    const long put =
        uninterrupted([&] { return send(to.fd, bytes.data(), bytes.size(), flags | MSG_DONTWAIT); });
    const int number = errno;
    const auto shown = shown_flags(flags);
    errno = number;
    return outcome(observe_call("send", put, "{}, {}, {}", to.fd, bytes.size(), shown), "send", to);
  }
  if (to.may_block) {
    if (!is_writable_now(to.fd)) return {IoResult::State::again, 0};
    bytes = bytes.first(std::min<std::size_t>(bytes.size(), PIPE_BUF));
  }
  const long put = uninterrupted([&] { return write(to.fd, bytes.data(), bytes.size()); });
  observe_call("write", put, "{}, {}", to.fd, bytes.size());
  if (put < 0 && has_lost_reader(to)) throw Error(EPIPE, text("write {}", to.name), to.origin);
  return outcome(put, "write", to);
}

IoResult send_gathered(const Descriptor& to, std::span<const std::span<const std::byte>> pieces) {
  std::array<iovec, most_gathered> vectors;
  msghdr message{};
  message.msg_iov = vectors.data();
  std::size_t size = 0;
  for (const auto piece : pieces.first(std::min(pieces.size(), vectors.size()))) {
    vectors[message.msg_iovlen++] = {const_cast<std::byte*>(piece.data()), piece.size()};
    size += piece.size();
  }
  const long put = uninterrupted([&] { return sendmsg(to.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
  return outcome(observe_call("sendmsg", put, "{}, {} {} in {}, MSG_NOSIGNAL", to.fd, size,
                              size == 1 ? "byte" : "bytes", message.msg_iovlen),
                 "sendmsg", to);
}

IoResult discard_some(const Descriptor& from, std::size_t most) {
  constexpr int flags = MSG_TRUNC | MSG_DONTWAIT;
  const long got = uninterrupted([&] { return recv(from.fd, nullptr, most, flags); });
  return outcome(observe_call("recv", got, "{}, NULL, {}, MSG_TRUNC", from.fd, most), "recv", from);
}

/// Into an inherited socket in blocking mode, splice and sendfile would wait until everything has found room.
IoResult splice_some(const Descriptor& from, const Descriptor& to, std::size_t most) {
  if ((to.may_block && to.is_socket()) || to.send_flags != 0) return {IoResult::State::refused, 0};
  if ((from.may_block && !is_readable_now(from.fd)) || (to.may_block && !is_writable_now(to.fd)))
    return {IoResult::State::again, 0};
  constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  const long moved = uninterrupted([&] { return splice(from.fd, nullptr, to.fd, nullptr, most, flags); });
  return outcome_of_two(observe_call("splice", moved, "{}, {}, {}", from.fd, to.fd, most), "splice", from,
                        to);
}

IoResult sendfile_some(const Descriptor& from, const Descriptor& to, std::size_t most) {
  if (to.may_block || to.send_flags != 0) return {IoResult::State::refused, 0};
  const long moved = uninterrupted([&] { return sendfile(to.fd, from.fd, nullptr, most); });
  return outcome_of_two(observe_call("sendfile", moved, "{}, {}, {}", to.fd, from.fd, most), "sendfile", from,
                        to);
}

}  // namespace sockx
