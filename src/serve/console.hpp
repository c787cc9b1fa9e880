// Console: the operator's standard streams, which the clients of a server share. ConsoleInput: standard
// input.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <vector>

#include "base/non_copyable.hpp"
#include "flow/notification.hpp"
#include "flow/stage.hpp"
#include "flow/stream.hpp"
#include "os/io_result.hpp"
#include "serve/room.hpp"

namespace sockx {

class ConsoleInput {
 public:
  /// Takes standard input over. Throws Error.
  explicit ConsoleInput(EventLoop& loop);

  /// Until there is something to read, or the end.
  ReadinessWait ready() { return stream_.readable(); }
  /// read(2). A terminal is not read while we run in the background, which would stop us (SIGTTIN). Throws
  /// Error.
  IoResult read(std::span<std::byte> buffer) { return stream_.read_some(buffer); }
  bool is_terminal() const { return is_terminal_; }
  /// Whether there is nothing to read at this moment. True for a terminal: the same signal ends both.
  bool is_silent();

 private:
  Stream stream_;
  bool is_terminal_;
};

class Console : NonCopyable {
 public:
  /// Takes the standard streams over. Throws Error.
  explicit Console(EventLoop& loop);
  /// Writes what is left, and gives up after 2 s without progress.
  ~Console();

  ConsoleInput& input() { return input_; }
  const ConsoleInput& input() const { return input_; }
  /// Writes what can be written now. The rest is kept, and run() writes it in the same order. A failure is
  /// thrown by run().
  void put(std::span<const std::byte> bytes);
  bool is_flushed() const { return kept_.empty() && !failure_; }
  /// Until everything has been written. Never ends after a failure.
  Task<> flush();
  /// Writes what is kept. Throws the failure of a write, also of one in put(), and Error (EPIPE) as soon as
  /// the reader of standard output has closed.
  Task<> run();

 private:
  std::size_t write_now(std::span<const std::byte> bytes);
  void write_some_of_kept();
  Task<> write_kept();
  Task<> wait_for_reader_to_leave();

  ConsoleInput input_;
  Stream output_;
  std::vector<std::byte> kept_;
  std::exception_ptr failure_;
  Notification put_, flushed_;
};

struct SayOptions {
  bool whole_lines = false;                                // no line is cut by what others say
  Stages stages = {};                                      // through which it goes before
  std::optional<std::uint64_t> rate = {};                  // bytes a second
  std::function<bool()> must_wait = [] { return false; };  // before more is read; asked again and again
};
/// Says to all members of the room what is read, until the end of the input. It is not read while nobody is
/// there to hear it. Throws Error.
Task<> say_input(ConsoleInput& input, Room& room, SayOptions options);

}  // namespace sockx
