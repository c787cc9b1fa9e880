// FileCalls: how a file is read so that no call on a slow disk takes long.
#pragma once

#include <cstdint>

#include "flow/call_size.hpp"
#include "flow/read_ahead.hpp"

namespace sockx {

/// The size of the next call, and whether the kernel may read more than that. Both follow from how long the
/// calls before took.
class FileCalls {
 public:
  explicit FileCalls(std::uint64_t most) : size_(most) {}

  std::uint64_t bytes() const { return size_.bytes(); }
  /// From now on no call is asked for more than `most`.
  void set_most(std::uint64_t most) { size_ = CallSize(most); }
  /// A call has moved so many bytes, from a file or into one.
  void note(Duration took, std::uint64_t moved) { size_.note(took, moved); }
  /// A call has read so many bytes from `file`; `next` as for ReadAhead.
  void note_read(int file, Duration took, std::uint64_t moved, std::optional<off_t> next = {}) {
    note(took, moved);
    read_ahead_.note(file, took, moved, next);
    if (left_on_thread_ > 0)
      left_on_thread_ =
          took > slow_read ? bytes_on_thread : left_on_thread_ - std::min(left_on_thread_, moved);
  }

  /// Whether a read waits for the disk so long that others of the loop should not wait with it: a thread is
  /// to do it, see FileReader.
  bool needs_thread() const { return left_on_thread_ > 0; }
  /// A read has waited for the disk. If it took long, the next ones need a thread, until they have been quick
  /// for a while.
  void note_wait(Duration took) {
    if (took > slow_read) left_on_thread_ = bytes_on_thread;
  }
  /// The first read would wait for the disk.
  void expect_wait() { left_on_thread_ = bytes_on_thread; }

 private:
  static constexpr Duration slow_read = std::chrono::milliseconds(2);
  static constexpr std::uint64_t bytes_on_thread = 16 * 1024 * 1024;

  CallSize size_;
  ReadAhead read_ahead_;
  std::uint64_t left_on_thread_ = 0;
};

}  // namespace sockx
