// LineOutput: writes lines to a file, pipe or terminal without waiting for the reader.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/non_copyable.hpp"
#include "os/descriptor.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// What is not taken at once is kept, and written by flush(). Beyond a bound new lines are dropped and
/// counted, and so is what a full disk does not take; as soon as lines fit again, one says how many were
/// dropped.
class LineOutput : NonCopyable {
 public:
  struct Tell {
    std::function<std::string(std::uint64_t)> dropped;  // the line, without its end, that says how many
    std::function<void(int error)> failed = {};         // the first failure of a write, with its errno
  };
  static constexpr std::size_t most_kept = 256 * 1024;  // bytes

  /// Standard output or standard error, which is only looked at once there is something to write. O_NONBLOCK
  /// belongs to the open file description, which is shared with the shell: so a pipe or terminal is opened
  /// anew through /proc/self/fd. Where that is not possible, as where it belongs to another user, a thread
  /// writes: no write of some bytes to a terminal is sure not to wait, whatever poll(2) says of it.
  LineOutput(int standard_stream, Tell tell) : standard_(standard_stream), tell_(std::move(tell)) {}
  /// A file of our own, by open_to_append(). Lines for a FIFO that nobody reads yet are kept as above. Throws
  /// Error with Origin::local_file.
  LineOutput(const std::string& path, Tell tell);
  /// Removes what the file had before. Throws Error.
  void truncate();

  /// Looks at a standard stream, and opens it anew where that is due, before there is something to write.
  void prepare();
  /// Writes a line, whose end is added. Never throws Error.
  void put(std::string_view line) { add({with_end(line)}, false); }
  /// The same for one that is kept whatever the bound: the caller waits until flush() has written it.
  void put_and_keep(std::string_view line) { add({with_end(line)}, true); }
  /// A sequence for a terminal, without an end; it may be dropped.
  void draw(std::string_view sequence);

  /// Writes what is taken without waiting; true when nothing is left, or writing has failed.
  bool flush();
  /// Whether nothing waits in a thread's hands either.
  bool is_written() const;
  /// At the end: what is left has a last chance of a second without progress.
  void finish();
  /// Until it can take more, whatever it said; false after `limit` or at a signal.
  bool wait(std::chrono::milliseconds limit) const;

  /// Whether a line that is put now is not dropped.
  bool has_room() const { return kept_ < most_kept; }
  /// False for a FIFO that nobody reads yet: flush() looks again.
  bool is_open() const { return path_.empty() || own_; }
  /// What to wait for, while flush() is false and is_open() true.
  int fd() const { return described_.fd; }
  /// Called whenever lines begin to wait for their reader; may be null.
  void when_waiting(std::function<void()> call) { waiting_ = std::move(call); }

 private:
  struct Line {
    std::string bytes;
    std::uint64_t lines = 1;  // that are lost when it is dropped
  };
  std::string with_end(std::string_view line);
  void open_file();
  bool is_late();
  void fail(int error);
  void add(Line line, bool keeps);
  void queue(Line line);
  void tell_of_dropped();
  void drop_what_has_not_begun();
  void forget_lines_of_parent();

  int standard_ = -1;
  std::string path_;  // of a file of our own
  UniqueFd own_;
  Descriptor described_;
  bool is_prepared_ = false, has_failed_ = false;
  bool has_thread_ = false;  // that writes
  bool is_device_ = false;   // a terminal, most likely
  Tell tell_;
  std::function<void()> waiting_;
  std::deque<Line> lines_;  // what has not been written
  std::size_t begun_ = 0;   // bytes of the first that have been
  std::size_t kept_ = 0;    // bytes of all of them
  int owner_ = 0;           // the process that has queued them
  std::uint64_t dropped_ = 0;
};

}  // namespace sockx
