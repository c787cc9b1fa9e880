// Stream: one end of a flow of bytes: a connected socket, a pipe, a file, a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flow/task.hpp"
#include "flow/transform.hpp"
#include "flow/watch.hpp"
#include "os/descriptor.hpp"
#include "os/io_result.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// Owns a descriptor, and knows what it is and when it is ready. All bytes go through the verbs below, or
/// through a Pump between two streams, so that a transform sees every one of them. One coroutine reads at a
/// time, and one writes. All verbs throw Error for a fault of the descriptor, and those with a deadline throw
/// TimedOut when it has passed, unless they return false then.
class Stream {
 public:
  /// `facts` describe `fd`. Throws Error.
  Stream(EventLoop& loop, UniqueFd fd, Descriptor facts);
  /// Gets the facts from describe(). Throws Error.
  Stream(EventLoop& loop, UniqueFd fd, std::string name, Origin origin);
  /// A stream on a descriptor that it does not own. The descriptor must stay open longer than this.
  static Stream borrow(EventLoop& loop, Descriptor facts);
  /// Takes the standard stream over: see os/standard_streams.hpp. Throws Error.
  static Stream standard_input(EventLoop& loop);
  static Stream standard_output(EventLoop& loop);
  Stream(Stream&&) = default;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream() = default;

  const Descriptor& facts() const { return facts_; }
  const std::string& name() const { return facts_.name; }
  Watch& watch() { return *watch_; }
  /// What messages call it from now on.
  void rename(std::string name) { facts_.name = std::move(name); }
  /// Whether the bytes are the descriptor's own, so that the kernel may move them.
  bool is_plain() const { return !transform_ && peeked_.empty(); }
  /// For send(2), from now on: see Descriptor::send_flags.
  void set_send_flags(int flags) { facts_.send_flags = flags; }
  /// From now on bytes go through the transform. Nothing may have been peeked.
  void transform_by(const MakeTransform& make);
  /// Closes the descriptor, as dropping the stream does. Only the facts are left.
  void close();
  /// Gives the descriptor away, of a plain stream.
  UniqueFd release() &&;

  // Nothing waits up to the next comment: what is returned is described in os/io_result.hpp.
  IoResult read_some(std::span<std::byte> buffer);
  /// `flags` are for send(2) where this is a plain socket: MSG_MORE.
  IoResult write_some(std::span<const std::byte> bytes, int flags = 0);
  /// All the pieces, in their order, by one sendmsg(2) where that is possible; at most 64 of them are looked
  /// at.
  IoResult write_gathered(std::span<const std::span<const std::byte>> pieces);
  /// Reads at most 4 MiB and drops them, in the kernel where it can; of a socket that keeps records, one
  /// record.
  IoResult discard_some();
  /// What reading would find: `moved` with at least 1 byte, `eof` or `again`.
  IoResult look_ahead();
  /// Whether bytes that were given to be written have not gone to the descriptor yet.
  bool is_holding() const { return transform_ && transform_->is_holding(); }
  /// pending_error() of the descriptor, which the transform learns too.
  int take_error();
  /// Writes what is held as far as the descriptor takes it. True when nothing is held any more.
  bool flush_some();
  /// For a conversation that is whole when a signal ends it: of a transform, writes what is held and our end,
  /// as far as the descriptor takes it. False when that is not all of it, or fails: closing the connection
  /// must not look like an end then.
  bool end_at_once();

  /// Until there may be something to read (to write); false at the deadline.
  ReadinessWait readable(Deadline deadline = never) { return watch_->readable(deadline); }
  ReadinessWait writable(Deadline deadline = never) { return watch_->writable(deadline); }

  /// The next buffer.size() bytes, or fewer at the end: returns how many.
  Task<std::size_t> read_exactly(std::span<std::byte> buffer, Deadline deadline = never);
  /// How many bytes of the text there are up to its end mark, which is among them; 0 when it has none. In the
  /// first `seen` bytes no mark ends.
  using FindEnd = std::size_t (*)(std::string_view text, std::size_t seen);
  /// The next bytes up to the mark that `find_end` knows, read no further than that; nothing when the end
  /// comes before. Throws Error (EMSGSIZE) when there is none in the next `longest` bytes.
  Task<std::optional<std::string>> read_up_to(FindEnd end_of, std::size_t longest, Deadline deadline = never);
  /// The next line without its LF, read no further than that; nothing when the end comes before the LF.
  /// Throws Error (EMSGSIZE) for a line of more than `longest` bytes.
  Task<std::optional<std::string>> read_line(std::size_t longest, Deadline deadline = never);
  /// The first bytes that come, left to be read again: waits until there are `least` of them, or the end.
  /// Returns how many are in `buffer`.
  Task<std::size_t> peek(std::span<std::byte> buffer, std::size_t least, Deadline deadline = never);
  /// All of it, down to the descriptor. The bytes stay where they are as long.
  Task<> write_all(std::span<const std::byte> bytes, Deadline deadline = never);
  /// Until nothing is held.
  Task<> flush(Deadline deadline = never);
  /// The half-close: our end follows what is held, and a socket is shut down for writing: shutdown(2).
  Task<> finish_writing(Deadline deadline = never);
  /// Reads and drops until the end or the deadline; false when that came first. Each byte updates `last_byte`
  /// and is counted in `dropped`, where they are not null.
  Task<bool> drain(Deadline deadline, Clock::time_point* last_byte = nullptr,
                   std::uint64_t* dropped = nullptr);
  /// Until the peer's kernel has everything that was written: see unacknowledged() in os/calls.hpp. False at
  /// the deadline. Progress updates `last_byte`, where it is not null.
  Task<bool> wait_until_acknowledged(Deadline deadline, Clock::time_point* last_byte = nullptr);

 private:
  IoResult read_from_transform(std::span<std::byte> buffer);
  IoResult noted_read(IoResult got, std::size_t asked);
  IoResult noted_write(IoResult put, std::size_t given);
  IoResult peek_now(std::span<std::byte> buffer);
  bool is_over() const;

  UniqueFd fd_;
  Descriptor facts_;
  std::unique_ptr<Watch> watch_;  // goes before the descriptor is closed
  std::unique_ptr<Transform> transform_;
  std::vector<std::byte> peeked_;       // read, and not taken by the reader yet
  std::exception_ptr failed_flushing_;  // while reading; the writer is told
};

}  // namespace sockx
