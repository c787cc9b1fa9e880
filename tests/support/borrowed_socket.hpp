// borrow_socket(): a socket of a process under test, in the test's own hands.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "sockx.hpp"

namespace test {

/// A duplicate (pidfd_getfd(2)) of the process's TCP socket that listens, or that is connected.
inline UniqueFd borrow_socket(const Process& process, bool listening) {
  const UniqueFd pid_fd(static_cast<int>(syscall(SYS_pidfd_open, process.pid(), 0)));
  REQUIRE(pid_fd);
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(process.pid()) + "/fd")) {
    std::error_code gone;
    if (!fs::read_symlink(entry.path(), gone).string().starts_with("socket:[")) continue;
    const int number = std::stoi(entry.path().filename().string());
    UniqueFd socket(static_cast<int>(syscall(SYS_pidfd_getfd, pid_fd.get(), number, 0)));
    REQUIRE(socket);
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const bool is_connected = getpeername(socket.get(), reinterpret_cast<sockaddr*>(&peer), &size) == 0;
    if (is_connected != listening) return socket;
  }
  FAIL("no such socket in ", process.command());
  return UniqueFd();
}

}  // namespace test
