// FileReader: reads files that are slow on a thread, because no call on a regular file can be told not to
// wait.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "flow/thread_limit.hpp"

namespace sockx {

/// How it went, as the thread saw it: the loop may hear of it late on a busy machine.
struct FileRead {
  Duration took{};
  bool has_waited = false;  // for the disk
};

/// Of an event loop: EventLoop::file_reader().
class FileReader {
 public:
  explicit FileReader(EventLoop& loop) : threads_(loop, most_threads) {}

  /// Returns when these bytes of the open file have been read into the page cache, so that a call of the
  /// loop's thread finds them there. An error of the file is left to that call. Throws Error where no thread
  /// or descriptor is left.
  Task<FileRead> read(int file, off_t offset, std::uint64_t bytes);

 private:
  /// One would do for one disk. With a few, a file system that does not answer does not hold up the others.
  static constexpr std::size_t most_threads = 4;

  ThreadLimit threads_;
};

/// The same by the loop's own reader. Where no thread or descriptor is left it does nothing: the call that
/// needs the bytes waits for the disk.
Task<FileRead> read_beside(EventLoop& loop, int file, off_t offset, std::uint64_t bytes);

}  // namespace sockx
