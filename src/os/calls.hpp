// System calls on descriptors that move no bytes, wrapped: --trace sees them, and faults are Errors.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "os/descriptor.hpp"

namespace sockx {

/// Runs a system call until no signal interrupts it: the one place where EINTR is handled.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// shutdown(fd, SHUT_WR). A peer that has already closed (ENOTCONN) is no failure.
void shutdown_write(const Descriptor& socket);

/// shutdown(2) as asked: SHUT_RD, SHUT_WR or SHUT_RDWR. Throws Error.
void shut_down(const Descriptor& socket, int how);

/// Whether closing the socket sends a reset instead of FIN: SO_LINGER with 0 s in socket(7). It holds for the
/// kernel's own closing after SIGKILL too.
void set_reset_on_close(int socket, bool reset);
/// Whether SO_LINGER is on.
bool has_linger(int socket);

/// TCP_NODELAY, for who gathers what is small himself: it goes out at once. Nothing for other sockets.
void send_without_delay(const Descriptor& socket);

/// Lets the kernel ask a TCP peer that has been silent for 30 s, and then every 10 s, whether it is there:
/// when it has not answered nine times the connection fails with ETIMEDOUT (tcp(7)). Nothing for other
/// sockets, and where SO_KEEPALIVE is set already.
void probe_when_silent(const Descriptor& socket);

/// Asks what close(2) has to say of the bytes written to a file, while it can still be told: on a network
/// file system, or where a quota counts late, only that says that there was no room. Throws Error; nothing
/// for what is no file.
void check_written(const Descriptor& file);

/// The error waiting on a socket (SO_ERROR), which this reads and clears; 0 for none and for what is no
/// socket.
int pending_error(const Descriptor& end);

/// Bytes written to a stream socket and not yet acknowledged by the peer's kernel, FIN included; for a unix
/// socket bytes not yet read (SIOCOUTQ in tcp(7), unix(7)). For a serial line bytes not yet sent (TIOCOUTQ in
/// ioctl_tty(2)); a pseudo-terminal has none. Nothing when the descriptor cannot tell.
std::optional<std::size_t> unacknowledged(const Descriptor& end);

/// Whether the connection of a socket exists no more: ENOTCONN of getpeername(2). Either both sides have
/// ended and everything is acknowledged, or there was a reset: SO_ERROR says that once, and what was
/// unacknowledged stays so.
bool is_disconnected(const Descriptor& socket);

/// How often this thread has waited in a call so far (ru_nvcsw in getrusage(2)). Having lost the CPU to
/// another program does not count.
std::uint64_t waits_of_this_thread();

/// Whether the next byte of a TCP socket is behind one that was sent as urgent (SIOCATMARK in tcp(7)).
bool is_at_urgent_mark(const Descriptor& socket);

/// Whether the peer of a stream socket has ended its half (POLLRDHUP in poll(2)), bytes may still wait before
/// that end.
bool has_peer_shut_down(const Descriptor& socket);

/// What poll(2) says of two descriptors this very moment.
struct ReadyEnds {
  bool is_readable, is_writable;
};
ReadyEnds ready_ends_now(int from, int to);

/// Whether poll(2) calls the descriptor readable (writable) this very moment.
bool is_readable_now(int fd);
bool is_writable_now(int fd);

}  // namespace sockx
