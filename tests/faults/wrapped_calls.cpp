// What runs in place of each call: the injector is asked, and unless it says otherwise the real call made.
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <string_view>

#include "injector.hpp"
#include "real_calls.hpp"

namespace {

using faults::Call, faults::Fault, faults::kind_of;

long fail(int error) {
  errno = error;
  return -1;
}

bool is_train(msghdr& message) {
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part))
    if (part->cmsg_level == SOL_UDP && part->cmsg_type == UDP_SEGMENT) return true;
  return false;
}

/// For calls that are given a size; `real` is called with what is left of it.
template <class Real>
long move_bytes(const Call& call, Real real) {
  if (const auto answer = faults::answer_of_dead(call)) return answer->is_end ? 0 : fail(answer->error);
  const auto fault = faults::meet(call);
  if (fault.kind == Fault::Kind::error) return fail(fault.error);
  const long moved = real(fault.kind == Fault::Kind::fewer ? fault.size : call.size);
  const int error = errno;
  if (moved > 0 && call.to >= 0 && call.key.ends_with("file")) faults::note_written(call.to);
  errno = error;
  return moved;
}

/// For calls that are made or not.
template <class Real>
long make(const Call& call, Real real) {
  const auto fault = faults::meet(call);
  return fault.kind == Fault::Kind::error ? fail(fault.error) : real();
}

template <class Real>
int make_int(const Call& call, Real real) {
  return static_cast<int>(make(call, real));
}

bool waits(int fd) { return (__real_fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }
bool waits(int fd, int flags) { return (flags & MSG_DONTWAIT) == 0 && waits(fd); }

std::string key(const char* call, int fd) { return std::string(call) + '@' + kind_of(fd); }
std::string key(const char* call, int from, int to) { return key(call, from) + '>' + kind_of(to); }

std::string key_of_open(std::string_view path) {
  if (path == "/dev/null") return "open@null";
  return path.starts_with("/proc/self/fd/") ? "open@stream" : "open@file";
}

std::string key_of_fcntl(int command) {
  if (command == F_DUPFD_CLOEXEC) return "fcntl@F_DUPFD_CLOEXEC";
  return command == F_SETPIPE_SZ ? "fcntl@F_SETPIPE_SZ" : "fcntl@other";
}

/// What makes and sets a terminal; empty for other requests.
std::string key_of_terminal(unsigned long request) {
  if (request == TIOCGPTPEER) return "ioctl@TIOCGPTPEER";
  if (request == TIOCSCTTY) return "ioctl@TIOCSCTTY";
  constexpr auto get_settings = _IOC(_IOC_READ, 'T', 0x2A, 44),
                 set_settings = _IOC(_IOC_WRITE, 'T', 0x2B, 44);
  if (request == get_settings) return "ioctl@TCGETS2";
  return request == set_settings ? "ioctl@TCSETS2" : "";
}

}  // namespace

extern "C" {

ssize_t __wrap_read(int fd, void* buffer, size_t size) {
  return move_bytes({key("read", fd), fd, -1, size, waits(fd)},
                    [&](size_t most) { return __real_read(fd, buffer, most); });
}
ssize_t __wrap_write(int fd, const void* buffer, size_t size) {
  return move_bytes({key("write", fd), -1, fd, size, waits(fd)},
                    [&](size_t most) { return __real_write(fd, buffer, most); });
}
/// Of one piece.
ssize_t __wrap_writev(int fd, const iovec* piece, int count) {
  return move_bytes({key("writev", fd), -1, fd, piece->iov_len, waits(fd)}, [&](size_t most) {
    const iovec part{piece->iov_base, most};
    return __real_writev(fd, &part, count);
  });
}
/// A look ahead shows all that is there: it is never short.
ssize_t __wrap_recv(int fd, void* buffer, size_t size, int flags) {
  const bool looks_ahead = (flags & MSG_PEEK) != 0;
  return move_bytes(
      {key("recv", fd), fd, -1, looks_ahead ? std::min<size_t>(size, 1) : size, waits(fd, flags)},
      [&](size_t most) { return __real_recv(fd, buffer, looks_ahead ? size : most, flags); });
}
ssize_t __wrap_send(int fd, const void* buffer, size_t size, int flags) {
  return move_bytes({key("send", fd), -1, fd, size, waits(fd, flags)},
                    [&](size_t most) { return __real_send(fd, buffer, most, flags); });
}
ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
  if ((flags & MSG_ERRQUEUE) != 0)  // of what stands there, nothing is ever taken in part
    return make({key("recvmsg-errqueue", fd), fd}, [&] { return __real_recvmsg(fd, message, flags); });
  const auto room = message->msg_controllen;
  message->msg_controllen = 0;  // what the end has; the real call is told better
  return move_bytes({key("recvmsg", fd), fd, -1, 0, waits(fd, flags)}, [&](size_t) {
    message->msg_controllen = room;
    return __real_recvmsg(fd, message, flags);
  });
}
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  return move_bytes({key("sendmsg", fd), -1, fd, 0, waits(fd, flags)},
                    [&](size_t) { return __real_sendmsg(fd, message, flags); });
}
/// With less than asked for, fewer messages are moved, each of them whole.
int __wrap_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* limit) {
  return static_cast<int>(move_bytes(
      {key("recvmmsg", fd), fd, -1, count, waits(fd, flags)},
      [&](size_t most) { return __real_recvmmsg(fd, messages, static_cast<unsigned>(most), flags, limit); }));
}
int __wrap_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  const bool has_train = count > 0 && is_train(messages[0].msg_hdr);
  return static_cast<int>(move_bytes(
      {has_train ? "sendmmsg@train" : "sendmmsg@single", -1, fd, count, waits(fd, flags)},
      [&](size_t most) { return __real_sendmmsg(fd, messages, static_cast<unsigned>(most), flags); }));
}
ssize_t __wrap_sendfile(int to, int from, off_t* offset, size_t size) {
  return move_bytes({key("sendfile", from, to), from, to, size, waits(to)},
                    [&](size_t most) { return __real_sendfile(to, from, offset, most); });
}
ssize_t __wrap_splice(int from, off64_t* from_at, int to, off64_t* to_at, size_t size, unsigned flags) {
  return move_bytes({key("splice", from, to), from, to, size, (flags & SPLICE_F_NONBLOCK) == 0},
                    [&](size_t most) { return __real_splice(from, from_at, to, to_at, most, flags); });
}

int __wrap_epoll_create1(int flags) {
  return make_int({"epoll_create1"}, [&] { return __real_epoll_create1(flags); });
}
int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (operation == EPOLL_CTL_DEL) {  // which never fails
    faults::note_registration(epoll, operation, fd, event);
    return __real_epoll_ctl(epoll, operation, fd, event);
  }
  const int result = make_int({"epoll_ctl"}, [&] { return __real_epoll_ctl(epoll, operation, fd, event); });
  if (result == 0) faults::note_registration(epoll, operation, fd, event);
  return result;
}
/// epoll_wait(2) with a finer clock, for which there is a name of its own only here.
int __wrap_epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* span,
                        const sigset_t* signals) {
  const auto fault = faults::meet({"epoll_wait", -1, -1, static_cast<size_t>(most)});
  if (fault.kind == Fault::Kind::error) return static_cast<int>(fail(fault.error));
  if (fault.kind == Fault::Kind::nothing) return 0;
  return __real_epoll_pwait2(epoll, events, fault.kind == Fault::Kind::fewer ? 1 : most, span, signals);
}
int __wrap_eventfd(unsigned value, int flags) {
  return make_int({"eventfd"}, [&] { return __real_eventfd(value, flags); });
}
int __wrap_poll(pollfd* entries, nfds_t count, int milliseconds) {
  if (count == 0) return __real_poll(entries, count, milliseconds);  // a sleep
  const auto fault = faults::meet({"poll", entries->fd});
  if (fault.kind == Fault::Kind::error) return static_cast<int>(fail(fault.error));
  return fault.kind == Fault::Kind::nothing ? 0 : __real_poll(entries, count, milliseconds);
}

int __wrap_socket(int family, int type, int protocol) {
  return make_int({"socket"}, [&] { return __real_socket(family, type, protocol); });
}
int __wrap_connect(int fd, const sockaddr* address, socklen_t size) {
  const auto* const name = address->sa_family == AF_UNIX ? "connect@unix" : "connect@inet";
  return make_int({name, -1, fd}, [&] { return __real_connect(fd, address, size); });
}
int __wrap_posix_openpt(int flags) {
  return make_int({"posix_openpt"}, [&] { return __real_posix_openpt(flags); });
}
int __wrap_symlink(const char* target, const char* path) {
  return make_int({"symlink"}, [&] { return __real_symlink(target, path); });
}
int __wrap_flock(int fd, int operation) {
  return make_int({"flock"}, [&] { return __real_flock(fd, operation); });
}
int __wrap_bind(int fd, const sockaddr* address, socklen_t size) {
  return make_int({"bind"}, [&] { return __real_bind(fd, address, size); });
}
int __wrap_listen(int fd, int backlog) {
  return make_int({"listen"}, [&] { return __real_listen(fd, backlog); });
}
int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return make_int({"accept4", fd, -1, 0, waits(fd)},
                  [&] { return __real_accept4(fd, address, size, flags); });
}
int __wrap_shutdown(int fd, int how) {
  return make_int({key("shutdown", fd), -1, fd}, [&] { return __real_shutdown(fd, how); });
}
int __wrap_setsockopt(int fd, int level, int option, const void* value, socklen_t size) {
  const auto real = [&] { return __real_setsockopt(fd, level, option, value, size); };
  if (level == IPPROTO_TCP && option == TCP_CONGESTION) return make_int({"setsockopt@TCP_CONGESTION"}, real);
  if (level == SOL_UDP && option == UDP_GRO) return make_int({"setsockopt@UDP_GRO"}, real);
  if (level == SOL_SOCKET && option == SO_ZEROCOPY) return make_int({"setsockopt@SO_ZEROCOPY"}, real);
  return real();
}
/// The fault of SO_ERROR is its value.
int __wrap_getsockopt(int fd, int level, int option, void* value, socklen_t* size) {
  const int result = __real_getsockopt(fd, level, option, value, size);
  if (level != SOL_SOCKET || option != SO_ERROR) return result;
  const auto fault = faults::meet({"getsockopt@SO_ERROR", fd});
  const int pending = fault.kind == Fault::Kind::error ? fault.error : faults::take_pending_error(fd);
  if (pending != 0) *static_cast<int*>(value) = pending;
  return result;
}

/// The fault of SIOCOUTQ is that the connection is reset in this moment, which empties the queue.
int __wrap_ioctl(int fd, unsigned long request, ...) {
  va_list more;
  va_start(more, request);
  void* const value = va_arg(more, void*);
  va_end(more);
  const auto real = [&] { return __real_ioctl(fd, request, value); };
  if (const auto terminal = key_of_terminal(request); !terminal.empty()) return make_int({terminal}, real);
  const int result = real();
  if (request != SIOCOUTQ) return result;
  const auto fault = faults::meet({"ioctl@SIOCOUTQ", -1, fd});
  if (fault.kind == Fault::Kind::error) *static_cast<int*>(value) = 0;
  return result;
}

int __wrap_pipe2(int* ends, int flags) {
  return make_int({"pipe2"}, [&] { return __real_pipe2(ends, flags); });
}
int __wrap_open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return make_int({key_of_open(path)}, [&] { return __real_open(path, flags, mode); });
}
/// A descriptor is closed whatever close(2) says.
int __wrap_close(int fd) {
  const bool is_written = faults::is_first_close_of_written(fd);
  const auto fault = faults::meet({is_written ? "close@written" : key("close", fd)});
  faults::note_close(fd);
  const int result = __real_close(fd);
  return fault.kind == Fault::Kind::error ? static_cast<int>(fail(fault.error)) : result;
}
/// What it closes has no way to say anything.
int __wrap_dup2(int from, int to) {
  if (faults::is_first_close_of_written(to)) faults::meet({"close@written"});
  return make_int({"dup2"}, [&] {
    faults::note_close(to);
    return __real_dup2(from, to);
  });
}
int __wrap_fcntl(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  const long argument = va_arg(more, long);
  va_end(more);
  return make_int({key_of_fcntl(command)}, [&] { return __real_fcntl(fd, command, argument); });
}
int __wrap_fstat(int fd, struct stat* status) {
  return make_int({key("fstat", fd)}, [&] { return __real_fstat(fd, status); });
}
int __wrap_fchmod(int fd, mode_t mode) {
  return make_int({"fchmod"}, [&] { return __real_fchmod(fd, mode); });
}
int __wrap_fsync(int fd) {
  return make_int({key("fsync", fd)}, [&] { return __real_fsync(fd); });
}
int __wrap_ftruncate(int fd, off_t size) {
  return make_int({"ftruncate"}, [&] { return __real_ftruncate(fd, size); });
}
int __wrap_mkostemp(char* name, int flags) {
  return make_int({"mkostemp"}, [&] { return __real_mkostemp(name, flags); });
}
int __wrap_renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return make_int({"renameat2"}, [&] { return __real_renameat2(from_folder, from, to_folder, to, flags); });
}
int __wrap_memfd_create(const char* name, unsigned flags) {
  return make_int({"memfd_create"}, [&] { return __real_memfd_create(name, flags); });
}
void* __wrap_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  if (fd < 0) return __real_mmap(at, size, protection, flags, fd, offset);  // memory of the allocator's
  const auto fault = faults::meet({"mmap@file", fd});
  if (fault.kind != Fault::Kind::error) return __real_mmap(at, size, protection, flags, fd, offset);
  errno = fault.error;
  return MAP_FAILED;
}

pid_t __wrap_fork() {
  const auto child = make_int({"fork"}, [] { return __real_fork(); });
  if (child == 0) faults::note_child();
  return child;
}
pid_t __wrap_waitpid(pid_t child, int* status, int options) {
  return make_int({"waitpid"}, [&] { return __real_waitpid(child, status, options); });
}
long __wrap_syscall(long number, ...) {
  va_list more;
  va_start(more, number);
  long words[6];
  for (auto& word : words) word = va_arg(more, long);
  va_end(more);
  const auto real = [&] {
    return __real_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
  };
  return number == SYS_pidfd_open ? make({"pidfd_open"}, real) : real();
}

#ifdef SOCKX_HAS_IO_URING
/// These return the errno, negative.
int __wrap_io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* parameters) {
  const auto fault = faults::meet({"io_uring_setup"});
  if (fault.kind == Fault::Kind::error) return -fault.error;
  return __real_io_uring_queue_init_params(entries, ring, parameters);
}
int __wrap_io_uring_submit(io_uring* ring) {
  const auto fault = faults::meet({"io_uring_enter"});
  return fault.kind == Fault::Kind::error ? -fault.error : __real_io_uring_submit(ring);
}
#endif

int __wrap_getaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** list) {
  const auto fault = faults::meet({"getaddrinfo"});
  if (fault.kind == Fault::Kind::error) return fault.error;
  return __real_getaddrinfo(host, port, hints, list);
}
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                          void* argument) {
  const auto fault = faults::meet({"pthread_create"});
  if (fault.kind == Fault::Kind::error) return fault.error;
  return __real_pthread_create(thread, attributes, run, argument);
}

}  // extern "C"
