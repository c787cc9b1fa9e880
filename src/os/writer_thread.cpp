#include "os/writer_thread.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <system_error>
#include <thread>

#include "os/calls.hpp"

namespace sockx {

namespace {

/// False when that fails.
bool write_all(int to, const char* bytes, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const auto written = uninterrupted([&] { return write(to, bytes + done, size - done); });
    if (written <= 0) return false;
    done += static_cast<std::size_t>(written);
  }
  return true;
}

/// What is being written stays in the queue meanwhile, where the sender sees it.
void carry(int from, int to) {
  std::array<char, 4096> buffer;
  for (;;) {
    const auto got = uninterrupted([&] { return recv(from, buffer.data(), buffer.size(), MSG_PEEK); });
    if (got <= 0 || !write_all(to, buffer.data(), static_cast<std::size_t>(got))) return;
    recv(from, buffer.data(), static_cast<std::size_t>(got), 0);
  }
}

}  // namespace

UniqueFd write_by_thread(int to) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  UniqueFd ours(ends[0]);
  const auto theirs = std::make_shared<UniqueFd>(ends[1]);  // the thread's, when it runs
  try {
    std::thread([theirs, to] {
      carry(theirs->get(), to);
      theirs->reset();  // sending fails from now on
    }).detach();
  } catch (const std::system_error&) {
    return {};
  }
  return ours;
}

std::size_t unwritten(int socket) {
  int bytes = 0;
  return ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace sockx
