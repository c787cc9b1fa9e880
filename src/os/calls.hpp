// The system calls that move bytes, wrapped: EINTR is retried, "would block" and end-of-file are values,
// faults are Errors that name the guilty end, and --trace sees every one of them.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "os/descriptor.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// What a call that moves bytes came to.
struct IoResult {
  enum class State {
    moved,    // `bytes` were moved, at least one
    again,    // nothing could be moved now
    eof,      // the source has ended
    refused,  // this call does not work on these descriptors (EINVAL, ENOSYS, EOPNOTSUPP)
  };
  State state = State::again;
  std::size_t bytes = 0;
};

/// Runs a system call until no signal interrupts it: the one place where EINTR is handled.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// What a call would find in `from`, without taking it: `moved` with at least 1 byte, `eof` or `again`. For
/// sockets and pipes; a file counts as not yet ended.
IoResult look_ahead(const Descriptor& from);

// Sizes are bytes. All throw Error for a fault. Nothing here waits: sockets are called with MSG_DONTWAIT;
// what was inherited in blocking mode is polled before each call and written at most PIPE_BUF bytes at a
// time, and where that would not do, splice and sendfile count as refused.
IoResult read_some(const Descriptor& from, std::span<std::byte> buffer);      // read(2), recv(2)
IoResult write_some(const Descriptor& to, std::span<const std::byte> bytes);  // write(2), send(2)
/// All the pieces, in their order, by one sendmsg(2) to a socket; at most 64 of them are looked at.
IoResult send_gathered(const Descriptor& to, std::span<const std::span<const std::byte>> pieces);
IoResult discard_some(const Descriptor& from, std::size_t most);  // recv(2) with MSG_TRUNC
IoResult splice_some(const Descriptor& from, const Descriptor& to, std::size_t most);    // splice(2)
IoResult sendfile_some(const Descriptor& from, const Descriptor& to, std::size_t most);  // sendfile(2)

/// Throws Error for a call on two descriptors, which fails with one errno: it names the guilty one.
[[noreturn]] void throw_error_of_two(int number, std::string_view call, const Descriptor& from,
                                     const Descriptor& to);

/// shutdown(fd, SHUT_WR). A peer that is already gone (ENOTCONN) is no fault: there is nobody left to tell.
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
/// sockets, and where somebody has set SO_KEEPALIVE already.
void probe_when_silent(const Descriptor& socket);

/// Asks what close(2) has to say of the bytes written to a file, while it can still be told: on a network
/// file system, or where a quota counts late, only that says that there was no room. Throws Error; nothing
/// for what is no file.
void check_written(const Descriptor& file);

/// The error waiting on a socket (SO_ERROR), which this reads and clears; 0 for none and for what is no
/// socket.
int pending_error(const Descriptor& end);

/// Bytes written to a stream socket and not yet acknowledged by the peer's kernel, FIN included; for a unix
/// socket bytes not yet read (SIOCOUTQ in tcp(7), unix(7)). Nothing when the socket cannot tell.
std::optional<std::size_t> unacknowledged(const Descriptor& socket);

/// Whether the next byte of a TCP socket is behind one that was sent as urgent (SIOCATMARK in tcp(7)).
bool is_at_urgent_mark(const Descriptor& socket);

struct Pipe {
  UniqueFd read_end, write_end;
  std::size_t capacity = 0;
};
/// A new non-blocking pipe, grown to `wanted` bytes where that is allowed; nothing when there is none
/// to be had (EMFILE, ENOMEM), because a pipe is only ever a faster way.
std::optional<Pipe> make_pipe(std::size_t wanted);

/// Tries to grow a pipe (F_SETPIPE_SZ); an unprivileged user may be refused, which changes nothing.
void grow_pipe(int fd, std::size_t wanted);

/// Whether poll(2) calls the descriptor readable (writable) this very moment.
bool is_readable_now(int fd);
bool is_writable_now(int fd);

}  // namespace sockx
