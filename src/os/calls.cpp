#include "os/calls.hpp"

#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "os/message_flags.hpp"
#include "os/observer.hpp"
#include "os/socket_query.hpp"
#include "os/standard_streams.hpp"

namespace sockx {

namespace {

bool is_ready_now(int fd, short events) {
  pollfd entry{fd, events, 0};
  return uninterrupted([&] { return poll(&entry, 1, 0); }) > 0;
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

/// The outcome of a call on a single descriptor; 0 bytes mean end-of-file when reading.
IoResult outcome(long result, std::string_view call, const Descriptor& end) {
  if (result > 0) return {IoResult::State::moved, static_cast<std::size_t>(result)};
  if (result == 0) return {IoResult::State::eof, 0};
  if (would_block()) return {IoResult::State::again, 0};
  throw_errno(text("{} {}", call, end.name), end.origin);
}

/// Which of the two does an errno speak of? A full or broken sink
/// speaks for itself, and what befalls connections befell the socket; the rest is the file's.
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

}  // namespace

void throw_error_of_two(int number, std::string_view call, const Descriptor& from, const Descriptor& to) {
  const Descriptor& end = guilty(number, from, to);
  throw Error(number, text("{} {}", call, end.name), end.origin);
}

IoResult look_ahead(const Descriptor& from) {
  if (from.is_socket()) {
    std::byte byte;
    const long got = uninterrupted([&] { return recv(from.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT); });
    return outcome(observe_call("recv", got, "{}, 1, MSG_PEEK", from.fd), "recv", from);
  }
  int waiting = 1;
  if (from.kind == Descriptor::Kind::pipe) ioctl(from.fd, FIONREAD, &waiting);
  if (waiting > 0) return {IoResult::State::moved, static_cast<std::size_t>(waiting)};
  return {is_readable_now(from.fd) ? IoResult::State::eof : IoResult::State::again, 0};
}

bool is_readable_now(int fd) { return is_ready_now(fd, POLLIN); }
bool is_writable_now(int fd) { return is_ready_now(fd, POLLOUT); }

IoResult read_some(const Descriptor& from, std::span<std::byte> buffer) {
  if (from.is_socket()) {
    const long got = uninterrupted([&] { return recv(from.fd, buffer.data(), buffer.size(), MSG_DONTWAIT); });
    return outcome(observe_call("recv", got, "{}, {}, 0", from.fd, buffer.size()), "recv", from);
  }
  if (from.may_block && !is_readable_now(from.fd)) return {IoResult::State::again, 0};
  const bool would_stop_us = from.kind == Descriptor::Kind::device && is_in_background(from.fd);
  if (would_stop_us) return {IoResult::State::again, 0};
  const long got = uninterrupted([&] { return read(from.fd, buffer.data(), buffer.size()); });
  return outcome(observe_call("read", got, "{}, {}", from.fd, buffer.size()), "read", from);
}

IoResult write_some(const Descriptor& to, std::span<const std::byte> bytes) {
  if (to.is_socket()) {
    const int flags = MSG_NOSIGNAL | to.send_flags;
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
  return outcome(observe_call("write", put, "{}, {}", to.fd, bytes.size()), "write", to);
}

IoResult send_gathered(const Descriptor& to, std::span<const std::span<const std::byte>> pieces) {
  std::array<iovec, 64> vectors;
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

void shut_down(const Descriptor& socket, int how) {
  constexpr std::array names{"SHUT_RD", "SHUT_WR", "SHUT_RDWR"};
  const int result = shutdown(socket.fd, how);
  observe_call("shutdown", result, "{}, {}", socket.fd, names[static_cast<std::size_t>(how)]);
  if (result < 0) throw_errno(text("shutdown {}", socket.name), socket.origin);
}

void shutdown_write(const Descriptor& socket) try { shut_down(socket, SHUT_WR); } catch (const Error& error) {
  if (error.number() != ENOTCONN) throw;
}

void set_reset_on_close(int socket, bool reset) {
  const linger value{reset ? 1 : 0, 0};
  const int result = setsockopt(socket, SOL_SOCKET, SO_LINGER, &value, sizeof value);
  observe_call("setsockopt", result, "{}, SOL_SOCKET, SO_LINGER, {}", socket, reset ? "on,0" : "off");
}

bool has_linger(int socket) {
  linger value{};
  socklen_t size = sizeof value;
  const int result = getsockopt(socket, SOL_SOCKET, SO_LINGER, &value, &size);
  const bool is_on = result == 0 && value.l_onoff != 0;
  observe_call("getsockopt", result, "{}, SOL_SOCKET, SO_LINGER, [{}]", socket,
               is_on ? text("on,{}", value.l_linger) : "off");
  return is_on;
}

void send_without_delay(const Descriptor& socket) {
  if (socket.kind != Descriptor::Kind::tcp) return;
  const int on = 1;
  const int result = setsockopt(socket.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  observe_call("setsockopt", result, "{}, IPPROTO_TCP, TCP_NODELAY, on", socket.fd);
}

void probe_when_silent(const Descriptor& socket) {
  if (socket.kind != Descriptor::Kind::tcp) return;
  if (socket_query(socket.fd, SO_KEEPALIVE, "SO_KEEPALIVE") == 1) return;
  const auto set = [&](int level, int option, int value, std::string_view name) {
    const int result = setsockopt(socket.fd, level, option, &value, sizeof value);
    observe_call("setsockopt", result, "{}, {}, {}", socket.fd, name, value);
  };
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30, "IPPROTO_TCP, TCP_KEEPIDLE");
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10, "IPPROTO_TCP, TCP_KEEPINTVL");
  set(SOL_SOCKET, SO_KEEPALIVE, 1, "SOL_SOCKET, SO_KEEPALIVE");
}

/// The close of any duplicate flushes the file.
void check_written(const Descriptor& file) {
  if (!file.is_file()) return;
  const int duplicate = fcntl(file.fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0 || (close(duplicate) != 0 && errno != EINTR))
    throw_errno(text("close {}", file.name), file.origin);
}

int pending_error(const Descriptor& end) {
  return end.is_socket() ? socket_query(end.fd, SO_ERROR, "SO_ERROR").value_or(0) : 0;
}

std::optional<std::size_t> unacknowledged(const Descriptor& socket) {
  if (!socket.is_socket()) return {};
  int waiting = 0;
  const int result = ioctl(socket.fd, SIOCOUTQ, &waiting);
  observe_call("ioctl", result, "{}, SIOCOUTQ, [{}]", socket.fd, waiting);
  if (result < 0) return {};
  return static_cast<std::size_t>(std::max(waiting, 0));
}

bool is_at_urgent_mark(const Descriptor& socket) {
  if (socket.kind != Descriptor::Kind::tcp) return false;
  int is_there = 0;
  const int result = ioctl(socket.fd, SIOCATMARK, &is_there);
  observe_call("ioctl", result, "{}, SIOCATMARK, [{}]", socket.fd, is_there);
  return result == 0 && is_there != 0;
}

std::optional<Pipe> make_pipe(std::size_t wanted) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  Pipe made{UniqueFd(ends[0]), UniqueFd(ends[1])};
  grow_pipe(ends[1], wanted);
  made.capacity = static_cast<std::size_t>(std::max(fcntl(ends[1], F_GETPIPE_SZ), 4096));
  return made;
}

void grow_pipe(int fd, std::size_t wanted) {
  if (fcntl(fd, F_GETPIPE_SZ) < static_cast<int>(wanted)) fcntl(fd, F_SETPIPE_SZ, static_cast<int>(wanted));
}

}  // namespace sockx
