// ReadAhead: whether the kernel may read ahead in a file that is read from front to back.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "flow/clock.hpp"
#include "os/file_advice.hpp"

namespace sockx {

/// Read-ahead hides the latency of each read, which matters most on a network file system. On a slow disk it
/// makes a read wait for up to 8 MiB. So it is on until a read was slow. Then it is off for a while, and is
/// tried again. After each change the kernel begins with a small window, so a try costs little.
class ReadAhead {
 public:
  static constexpr Duration slow = std::chrono::milliseconds(100);
  static constexpr std::uint64_t bytes_without = 16 * 1024 * 1024;  // until it is tried again

  bool is_on() const { return left_ == 0; }
  /// A read of so many bytes from `fd` took so long; `next` is where the next one begins, if that is not the
  /// offset of the file. Advises the kernel.
  void note(int fd, Duration took, std::uint64_t bytes, std::optional<off_t> next = {}) {
    if (is_on()) {
      if (took <= slow) return;
      left_ = bytes_without;
      set_read_ahead(fd, false);
      drop(fd, next);
      return;
    }
    if (took > 2 * slow) drop(fd, next);  // it may have waited for what was being read ahead already
    left_ -= std::min(left_, bytes);
    if (is_on()) set_read_ahead(fd, true);
  }

 private:
  static constexpr std::size_t most_ahead = 16 * 1024 * 1024;  // bytes

  static void drop(int fd, std::optional<off_t> next) {
    const off_t offset = next ? *next : lseek(fd, 0, SEEK_CUR);
    if (offset >= 0) drop_read_ahead(fd, offset, most_ahead);
  }

  std::uint64_t left_ = 0;  // bytes to read until it is on
};

}  // namespace sockx
