// Descriptors for tests that talk to themselves: pipes, pairs of connected sockets, and how many are open.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "os/descriptor.hpp"
#include "os/unique_fd.hpp"

namespace test {

using sockx::UniqueFd;

struct PipeEnds {
  UniqueFd read, write;
};

/// Two sockets connected with each other: the one under test, and its peer's.
struct SocketEnds {
  UniqueFd ours, theirs;
};

/// As a file of ours, and as the other side of a connection.
inline sockx::Descriptor described(const UniqueFd& fd, const char* name = "it") {
  return describe(fd.get(), name, sockx::Origin::local_file);
}
inline sockx::Descriptor peer(const UniqueFd& fd) { return describe(fd.get(), "peer", sockx::Origin::peer); }

/// `flags` are those of pipe2(2), beside O_CLOEXEC.
inline PipeEnds make_pipe_ends(int flags = O_NONBLOCK) {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC | flags) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// `flags` are those of socket(2), beside SOCK_CLOEXEC.
inline SocketEnds unix_pair(int flags = SOCK_NONBLOCK) {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, ends) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// A TCP connection over loopback. Its congestion control is reno, because bbr paces even loopback.
inline SocketEnds tcp_pair(int flags = SOCK_NONBLOCK) {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  UniqueFd ours(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (const int fd : {listener.get(), ours.get()})
    REQUIRE(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4) == 0);
  REQUIRE(bind(listener.get(), generic, size) == 0);
  REQUIRE(listen(listener.get(), 1) == 0);
  REQUIRE(getsockname(listener.get(), generic, &size) == 0);
  REQUIRE(connect(ours.get(), generic, size) == 0);
  UniqueFd theirs(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | flags));
  REQUIRE(theirs);
  if ((flags & SOCK_NONBLOCK) != 0) fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  return {std::move(ours), std::move(theirs)};
}

inline UniqueFd open_null() { return UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC)); }

/// Closes a socket by a reset: SO_LINGER with 0 s.
inline void reset_connection(UniqueFd& socket) {
  const linger at_once{1, 0};
  REQUIRE(setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  socket.reset();
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all))) - 1;  // less the folder's own
}

inline bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }
inline int status_flags(int fd) { return fcntl(fd, F_GETFL); }

/// Everything that can be read without waiting.
inline std::string read_available(int fd) {
  std::string bytes;
  char buffer[65536];
  for (ssize_t got = 0; (got = read(fd, buffer, sizeof buffer)) > 0;)
    bytes.append(buffer, static_cast<std::size_t>(got));
  return bytes;
}

/// How many bytes wait to be read from a pipe or a socket; either end of a pipe tells.
inline std::size_t unread(int fd) {
  int bytes = 0;
  REQUIRE(ioctl(fd, FIONREAD, &bytes) == 0);
  return static_cast<std::size_t>(bytes);
}

inline void put(int fd, std::string_view bytes) {
  REQUIRE(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

/// Writes until a non-blocking descriptor takes no more; returns the number of bytes.
inline std::size_t fill(int fd) {
  const std::string bytes(4096, '#');
  std::size_t written = 0;
  for (ssize_t put = 0; (put = write(fd, bytes.data(), bytes.size())) > 0;)
    written += static_cast<std::size_t>(put);
  return written;
}

}  // namespace test
