// FileCalls: how a file is read so that no call on a slow disk takes long.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "flow/call_size.hpp"
#include "flow/file_reader.hpp"
#include "flow/read_ahead.hpp"
#include "os/calls.hpp"

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
  /// To be called after this thread has waited for anything but the file.
  void begin_turn() { waits_ = waits_of_this_thread(); }
  /// A call has read so many bytes from `file`; `next` as for ReadAhead.
  void note_read(int file, Duration took, std::uint64_t moved, std::optional<off_t> next = {}) {
    note(took, moved);
    read_ahead_.note(file, took, moved, next);
    if (took > slow_read && !needs_thread() && has_waited()) expect_wait();
  }
  /// A thread has read so many bytes for the next calls.
  void note_thread(const FileRead& read, std::uint64_t bytes) {
    if (read.has_waited && read.took > slow_read)
      expect_wait();
    else
      left_on_thread_ -= std::min(left_on_thread_, bytes);
  }

  /// Whether reads have waited for the disk so long that others of the loop should not wait with them: a
  /// thread is to do the next ones, see FileReader, until they have been quick for a while.
  bool needs_thread() const { return left_on_thread_ > 0; }
  /// The next read is known to wait for the disk.
  void expect_wait() { left_on_thread_ = bytes_on_thread; }

 private:
  static constexpr Duration slow_read = std::chrono::milliseconds(2);
  static constexpr std::uint64_t bytes_on_thread = 16 * 1024 * 1024;

  CallSize size_;
  ReadAhead read_ahead_;
  /// Or else it has only lost the processor to another program for a while.
  bool has_waited() {
    const auto before = std::exchange(waits_, waits_of_this_thread());
    return waits_ != before;
  }

  std::uint64_t left_on_thread_ = 0;
  std::uint64_t waits_ = 0;  // of this thread, before the call
};

}  // namespace sockx
