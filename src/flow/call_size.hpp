// CallSize: how many bytes one call is asked to move, so that a slow file does not hold the loop.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "flow/clock.hpp"

namespace sockx {

/// A call on a regular file always waits for the disk: it returns when all bytes are moved or the other end
/// is full. So the size begins small, is halved after a slow call, and doubled while calls are quick. On a
/// disk of 512 KiB/s a call of the smallest size takes an eighth of a second.
///
/// Measured by send-file --compare on loopback under reno, two cores, 1 GiB from tmpfs, in GB/s, for calls of
/// 64Ki, 256Ki, 1Mi, 4Mi at most: sendfile 4.7, 5.8, 5.9, 6.0 (6.1 without a limit);
/// splice 4.9, 7.4, 9.0, 9.3; mmap 2.1, 3.7, 4.3, 4.4. Hence 1 MiB.
class CallSize {
 public:
  static constexpr std::uint64_t least = 64 * 1024;
  static constexpr std::uint64_t usual_most = 1024 * 1024;
  static constexpr Duration slow = std::chrono::milliseconds(50), quick = slow / 4;

  /// `most` may be less than `least`: then it is the size of every call.
  explicit CallSize(std::uint64_t most) : most_(most), bytes_(std::min(least, most)) {}

  std::uint64_t bytes() const { return bytes_; }
  /// A call has moved so many bytes. A call that moved fewer bytes than asked does not count as quick,
  /// because something else ended it. After a slow call, a few quick ones only show that the disk has read
  /// ahead.
  void note(Duration took, std::uint64_t moved) {
    if (took > slow) {
      bytes_ = std::max(bytes_ / 2, std::min(least, most_));
      quick_calls_needed_ = quick_calls_after_slow;
    } else if (took < quick && moved >= bytes_ && --quick_calls_needed_ == 0) {
      bytes_ = std::min(bytes_ * 2, most_);
      quick_calls_needed_ = 1;
    }
  }

 private:
  static constexpr unsigned quick_calls_after_slow = 8;
  std::uint64_t most_, bytes_;
  unsigned quick_calls_needed_ = 1;  // in a row, to double the size
};

}  // namespace sockx
