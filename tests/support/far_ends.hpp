// The far ends of a test, as tasks on the loop of what is tested: plain read(2) and write(2), nothing of
// ours.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "flow/watch.hpp"
#include "os/unique_fd.hpp"

namespace test {

using sockx::Task, sockx::this_loop;

/// A descriptor of the test's own, and its readiness.
struct FarEnd {
  FarEnd(sockx::EventLoop& loop, sockx::UniqueFd owned) : fd(std::move(owned)), watch(loop, fd.get()) {}
  sockx::UniqueFd fd;
  sockx::Watch watch;  // goes before the descriptor is closed
};

/// Writes `bytes`, which outlive the task.
inline Task<> write_all(FarEnd& to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = write(to.fd.get(), bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    REQUIRE(errno == EAGAIN);
    to.watch.forget_writable();
    co_await to.watch.writable();
  }
}

/// Appends to `bytes` what comes, at most `piece` bytes a turn of the loop, until `size` of them are there or
/// the end comes.
inline Task<> read_until(FarEnd& from, std::string& bytes, std::size_t size, std::size_t piece = 64 * 1024) {
  std::array<char, 64 * 1024> buffer;
  auto& loop = co_await this_loop();
  while (bytes.size() < size) {
    const auto got =
        read(from.fd.get(), buffer.data(), std::min({piece, buffer.size(), size - bytes.size()}));
    if (got == 0) break;
    if (got > 0) {
      bytes.append(buffer.data(), static_cast<std::size_t>(got));
      co_await loop.next_turn();
      continue;
    }
    if (errno != EAGAIN) throw std::system_error(errno, std::generic_category(), "read");
    from.watch.forget_readable();
    co_await from.watch.readable();
  }
}

inline Task<> read_to_end(FarEnd& from, std::string& bytes, std::size_t piece = 64 * 1024) {
  return read_until(from, bytes, std::string::npos, piece);
}

}  // namespace test
