// Method: one way to move bytes from a descriptor to a descriptor. A new one is a file in flow/methods/ that
// implements this interface, its maker below, its name in pump.hpp and pump.cpp, and a place in Pump's
// choice.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/call_size.hpp"
#include "flow/processing.hpp"
#include "flow/stream.hpp"
#include "os/descriptor.hpp"

namespace sockx {

/// Moves bytes without waiting. A Pump owns one and drives it.
class Method {
 public:
  /// What one move came to. `bytes` is what reached the sink.
  struct Move {
    enum class State {
      moved,          // go on; `bytes` may be 0 when bytes have only come nearer
      no_input,       // the source has nothing now
      drained,        // nor has it, as a read that came short says; `bytes` have reached the sink
      output_full,    // the sink takes nothing now
      either_blocks,  // the call did not say which of the two; both looked ready a moment later
      ended,          // the source has ended and everything from it has reached the sink
      held,           // neither end is in the way: go on at the instant `until`
      under_way,      // what was begun goes on by itself: completion_fd() becomes readable when it is over
      refused,        // this method does not work here, as the first call usually shows; nothing is lost
    };
    State state = State::moved;
    std::uint64_t bytes = 0;
    Clock::time_point until{};
  };

  virtual ~Method() = default;
  virtual std::string_view name() const = 0;
  /// Takes at most `most` new bytes from the source; what it already holds comes on top.
  virtual Move move(std::uint64_t most) = 0;
  /// The most bytes that it is worth asking one move for, however quick the ends are; `chunk` as in
  /// MethodEnds.
  virtual std::uint64_t appetite(std::size_t chunk) const { return chunk > 0 ? chunk : CallSize::usual_most; }
  /// Bytes taken from the source that have not reached the sink.
  virtual std::uint64_t in_hand() const { return 0; }
  /// Whether anything is left to be delivered; an empty record counts.
  virtual bool is_holding() const { return in_hand() > 0; }
  /// Nothing more may be taken from the source; what is in hand has to do.
  virtual void stop_input() {}
  /// After a refusal: the bytes in hand, for the method that takes over.
  virtual std::vector<std::byte> surrender() { return {}; }
  /// After a refusal: why.
  virtual std::string refusal() const { return "the kernel does not support it between these two ends"; }
  /// Becomes readable when what is under way is over; -1 for methods that begin nothing of the kind. It is
  /// open as long as the method is there.
  virtual int completion_fd() const { return -1; }
  /// Of the bytes that have reached the sink, those that the kernel was asked not to copy and copied all the
  /// same; nothing where it does not say.
  virtual std::optional<std::uint64_t> copied() const { return {}; }
  /// Bytes that have gone to the sink and do not count, because the file has shrunk while they did, and they
  /// are from behind its end.
  virtual std::uint64_t surplus() const { return 0; }
  /// Whether the stream has turned out long, so that a method with dearer beginnings would pay.
  virtual bool would_rather_splice() const { return false; }

  /// Where the next read of the file begins, if that is not the offset of its descriptor.
  virtual std::optional<off_t> position() const { return {}; }
  /// Whether the next move reads the source, and so may wait for a disk.
  virtual bool would_read() const { return !is_holding(); }

  /// System calls made so far.
  std::uint64_t calls() const { return calls_; }

 protected:
  static Move held_until(Clock::time_point until) { return {Move::State::held, 0, until}; }
  /// What is written beside the stream is hardly ever a pipe or terminal, and then hardly ever full: it is
  /// not worth a watch of its own.
  static Move held_for_a_moment() { return held_until(Clock::now() + std::chrono::milliseconds(1)); }
  std::uint64_t calls_ = 0;
};

/// The descriptors of two plain streams, for the methods by which the kernel moves bytes between them; and
/// the most bytes that one call is asked for, where 0 means the method's own default. Files may make it less:
/// see FileCalls.
struct PlainEnds {
  const Descriptor& from;
  const Descriptor& to;
  std::size_t chunk = 0;
};

/// Two streams, plain or not, for the methods that read and write, and `chunk` as above.
struct MethodEnds {
  Stream& from;
  Stream& to;
  std::size_t chunk = 0;
  bool are_plain() const { return from.is_plain() && to.is_plain(); }
  PlainEnds plain() const { return {from.facts(), to.facts(), chunk}; }
};

std::unique_ptr<Method> make_splice(PlainEnds ends);  // one end is a pipe
/// Through a pipe of its own. Null when none is left that is worth it: for a source other than a file every
/// pipe is, for a file one of 256 KiB, because sendfile(2) has a small one of its own.
std::unique_ptr<Method> make_piped_splice(PlainEnds ends);
std::unique_ptr<Method> make_sendfile(PlainEnds ends);   // the source is a regular file
std::unique_ptr<Method> make_mmap(PlainEnds ends);       // the source is a regular file
std::unique_ptr<Method> make_zero_copy(PlainEnds ends);  // from a regular file to TCP
/// From a regular file to a socket; null, and `refusal` says why, where there is no ring to be had.
std::unique_ptr<Method> make_io_uring(PlainEnds ends, std::string& refusal);
bool has_io_uring();                                   // whether this build does
std::unique_ptr<Method> make_discard(PlainEnds ends);  // TCP to /dev/null, without a copy
std::unique_ptr<Method> make_copy(MethodEnds ends, std::vector<std::byte> in_hand = {});  // read and write
std::unique_ptr<Method> make_filter(MethodEnds ends,
                                    Processing processing);  // through stages, or line by line
std::unique_ptr<Method> make_record_send(MethodEnds ends,
                                         Processing processing);  // the sink keeps records apart
std::unique_ptr<Method> make_record_receive(MethodEnds ends, Processing processing);  // the source does

}  // namespace sockx
