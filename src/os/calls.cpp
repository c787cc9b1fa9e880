#include "os/calls.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

}  // namespace

ReadyEnds ready_ends_now(int from, int to) {
  std::array<pollfd, 2> ends{pollfd{from, POLLIN, 0}, pollfd{to, POLLOUT, 0}};
  uninterrupted([&] { return poll(ends.data(), ends.size(), 0); });
  return {ends[0].revents != 0, ends[1].revents != 0};
}

bool is_readable_now(int fd) { return is_ready_now(fd, POLLIN); }
bool is_writable_now(int fd) { return is_ready_now(fd, POLLOUT); }
bool has_peer_shut_down(const Descriptor& socket) { return is_ready_now(socket.fd, POLLRDHUP); }

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

std::optional<std::size_t> unacknowledged(const Descriptor& end) {
  const bool is_terminal = end.kind == Descriptor::Kind::terminal;
  if (!end.is_socket() && !is_terminal) return {};
  int waiting = 0;
  static_assert(SIOCOUTQ == TIOCOUTQ);
  const int result = ioctl(end.fd, SIOCOUTQ, &waiting);
  observe_call("ioctl", result, "{}, {}, [{}]", end.fd, is_terminal ? "TIOCOUTQ" : "SIOCOUTQ", waiting);
  if (result < 0) return {};
  return static_cast<std::size_t>(std::max(waiting, 0));
}

bool is_disconnected(const Descriptor& socket) {
  if (!socket.is_socket()) return false;
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const int result = getpeername(socket.fd, reinterpret_cast<sockaddr*>(&peer), &size);
  observe_call("getpeername", result, "{}", socket.fd);
  return result < 0 && errno == ENOTCONN;
}

std::uint64_t waits_of_this_thread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nvcsw);
}

bool is_at_urgent_mark(const Descriptor& socket) {
  if (socket.kind != Descriptor::Kind::tcp) return false;
  int is_there = 0;
  const int result = ioctl(socket.fd, SIOCATMARK, &is_there);
  observe_call("ioctl", result, "{}, SIOCATMARK, [{}]", socket.fd, is_there);
  return result == 0 && is_there != 0;
}

}  // namespace sockx
