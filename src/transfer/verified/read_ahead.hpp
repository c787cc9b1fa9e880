// ReadAhead: whether the kernel may read ahead in a file that is read from front to back.
#pragma once

#include <fcntl.h>

#include <algorithm>
#include <cstdint>

#include "flow/clock.hpp"

namespace sockx {

/// Read-ahead hides the latency of each read, which matters most on a network file system. On a slow disk it
/// makes a read wait for up to 8 MiB. So it is on until a read was slow; then it is off for a while, and is
/// tried again. After each change the kernel begins with a small window, so a try costs little.
class ReadAhead {
 public:
  static constexpr Duration slow = std::chrono::milliseconds(100);
  static constexpr std::uint64_t bytes_without = 16 * 1024 * 1024;  // until it is tried again

  bool is_on() const { return left_ == 0; }
  /// A read of so many bytes from `fd` took so long. Advises the kernel: posix_fadvise(2).
  void note(int fd, Duration took, std::uint64_t bytes) {
    if (is_on()) {
      if (took <= slow) return;
      left_ = bytes_without;
      posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
      return;
    }
    left_ -= std::min(left_, bytes);
    if (is_on()) posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL);
  }

 private:
  std::uint64_t left_ = 0;  // bytes to read until it is on
};

}  // namespace sockx
