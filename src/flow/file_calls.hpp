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
  }

 private:
  CallSize size_;
  ReadAhead read_ahead_;
};

}  // namespace sockx
