// Pump: moves bytes from a stream to a stream, by the fastest method that works there.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "flow/file_calls.hpp"
#include "flow/method.hpp"
#include "flow/stream.hpp"

namespace sockx {

enum class TransferMethod { automatic, read_write, sendfile, splice, mmap, zero_copy, io_uring };

/// "auto", "read-write", "sendfile", "splice", "mmap", "zerocopy", "io-uring".
std::string_view name_of(TransferMethod method);

/// The methods of this build that can send a file, without the automatic choice.
std::vector<TransferMethod> file_methods();

struct PumpOptions {
  TransferMethod method = TransferMethod::automatic;
  std::size_t chunk = 0;                                            // bytes a call; 0: what suits the method
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();  // take no more than this from the source
  Processing processing = {};  // where it needs user space, the method is fixed
};

/// It borrows two streams and never waits. The driver, run_pump() in flow/run_pump.hpp, waits for what step()
/// asks for. The kernel moves the bytes only where both streams are plain. Bytes are never lost,
/// doubled or reordered when a method gives way to another in the middle of the stream. Faults of either end
/// are thrown as Error.
class Pump {
 public:
  /// Drained: as wants_input, but presumed only, because a read came short; see
  /// Watch::forget_readable_after_short_read().
  /// Wants_file: the file that is the source is slow, and wanted_piece() should be read on a thread before
  /// the next step, which would else wait for the disk.
  enum class State { wants_input, wants_file, drained, wants_output, yielded, held, under_way, finished };
  struct Piece {
    int file;
    off_t offset;
    std::uint64_t bytes;
  };

  /// A method that cannot work between these two is replaced by copying at once: see why_fell_back().
  Pump(Stream& from, Stream& to, PumpOptions options = {});

  /// Moves what moves without waiting, up to a fair share, taking at most `most` bytes from the source.
  /// Finished when the sink holds nothing any more either.
  State step(std::uint64_t most = std::numeric_limits<std::uint64_t>::max());

  /// Takes nothing more from the source; what is in hand still goes to the sink.
  void stop_input();
  /// When to go on after State::held.
  Clock::time_point held_until() const { return held_until_; }
  /// After State::wants_file. A driver that does not read it lets the next step wait for the disk.
  Piece wanted_piece() const;
  void note_wanted_piece(const FileRead& read);
  /// What becomes readable when it is time to go on after State::under_way.
  int completion_fd() const { return method_->completion_fd(); }
  /// epoll says that the far end of the sink has closed: throws the pending error of the socket, or
  /// SinkGone.
  [[noreturn]] void sink_hung_up() const;

  /// Whether bytes of the source have not reached the descriptor of the sink.
  bool is_holding() const { return method_->is_holding() || ends_.to.is_holding(); }
  std::uint64_t bytes() const { return bytes_; }  // that reached the sink
  /// See Method::surplus(): what is more than bytes() at the sink.
  std::uint64_t surplus() const { return method_->surplus(); }
  std::uint64_t calls() const { return calls_before_ + method_->calls(); }
  std::string_view method() const { return method_->name(); }
  /// The method and why it was chosen: "splice (the stream is long)".
  std::string method_and_reason() const;
  /// Why the method asked for, or chosen first, does not work here, so that copying took over; or empty.
  const std::string& why_fell_back() const { return refusal_; }
  /// See Method::copied().
  std::optional<std::uint64_t> copied() const { return method_->copied(); }
  /// From the source, those in hand included.
  std::uint64_t taken() const { return bytes_ + method_->in_hand(); }
  Stream& from() const { return ends_.from; }
  Stream& to() const { return ends_.to; }

 private:
  State step_by_method(std::uint64_t most);
  void use(std::unique_ptr<Method> method);
  bool wants_file(std::uint64_t most);
  Method::Move move(std::uint64_t most);
  std::unique_ptr<Method> choose(TransferMethod method, Processing processing);
  std::unique_ptr<Method> choose_automatically();
  std::unique_ptr<Method> splice_or_null() const;

  MethodEnds ends_;
  bool automatic_;
  std::uint64_t limit_;
  std::uint64_t bytes_ = 0;
  std::uint64_t calls_before_ = 0;  // by methods that have given way
  bool stopped_ = false;
  std::string refusal_;      // empty while no method has given way
  std::string_view reason_;  // for the choice of the method
  Clock::time_point held_until_{};
  std::unique_ptr<Method> method_;
  bool may_be_slow_;  // a call may wait for a disk
  bool reads_file_;   // and it is the source that makes it wait
  FileCalls file_calls_{0};
  Clock::time_point time_;    // after the last move, if a call may be slow
  std::uint64_t wanted_ = 0;  // bytes of the piece that was wanted, and has not been taken
  Duration wanted_took_{};    // to read it
  std::optional<Clock::time_point> under_way_since_;
};

}  // namespace sockx
