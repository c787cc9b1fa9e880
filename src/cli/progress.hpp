// The progress of transfers: as a bar, as events, and in a word whenever SIGUSR1 asks for it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "base/non_copyable.hpp"
#include "cli/context.hpp"
#include "flow/task_group.hpp"

namespace sockx {

class Flags;

/// What a transfer is at. Resuming, what an earlier one has left is looked through; finishing, all bytes have
/// been moved, and the peer's end is waited for; waiting, a sender has said nothing for a while.
enum class Phase { listening, connecting, resuming, sending, receiving, finishing, waiting };

struct ProgressState {
  Phase phase;
  std::string where;      // the peer, or while listening our own address
  std::string file = {};  // once there is a connection
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> total = {};
  std::optional<std::uint64_t> files = {}, files_total = {};  // of several: those that are whole
};
/// Tells how things stand; called from time to time, and so without waiting.
using Look = std::function<ProgressState()>;

/// How things stand, and how fast they have changed of late.
class ProgressMeter {
 public:
  explicit ProgressMeter(Look look) : look_(std::move(look)) { look_again(); }
  void look_again();

  const ProgressState& state() const { return state_; }
  /// Bytes a second, over the last second or, when nobody has looked for longer, since then.
  double rate() const;
  /// Where total and rate are known.
  std::optional<double> seconds_left() const;

 private:
  struct Sample {
    Clock::time_point time;
    std::uint64_t bytes;
  };
  Look look_;
  ProgressState state_{};
  std::deque<Sample> samples_;  // the first is a second old, if there has been one
};

/// The same in one row of a terminal, with a bar: "50% [####----] 143.05 MiB, 346.95 MB/s, 1 s left". What
/// does not fit is left out, the least important first.
std::string progress_bar(const ProgressMeter& meter, std::size_t columns);
/// "sending disk.img to 127.0.0.1:5678: 50%, 143.05 MiB, 346.95 MB/s, 1 s left"
std::string progress_line(const ProgressMeter& meter);
/// The same as an event's fields.
std::vector<Field> progress_fields(const ProgressMeter& meter);

/// While it lives, a row on the terminal says what takes its time: from a second on, wiped at the end.
/// Nothing where no bar may be drawn.
class WaitingLine {
 public:
  /// `words` are asked again and again.
  WaitingLine(Context& context, std::function<std::string()> words);

 private:
  std::function<std::string()> words_;
  TaskGroup tasks_;  // goes first
};

/// --progress and --no-progress; by default a bar is drawn when standard error is a terminal.
struct ProgressOptions {
  bool always = false, never = false;
  void apply(Context& context) const {
    context.shows_progress = (context.shows_progress || always) && !never;
  }
};
void add_progress_flags(Flags& flags, ProgressOptions& target);

/// All that a run can tell of when SIGUSR1 asks. From the first one on that signal does not kill the process.
class ProgressBoard {
 public:
  explicit ProgressBoard(Context& context);
  /// Context::run(), where each SIGUSR1 is answered with a line on standard error, or an event, for each
  /// transfer that is shown.
  void run(Task<> task, std::optional<Duration> deadline = {},
           const Context::SignalHandler& handle_others = {}, SignalCatcher::Rules signals = {});
  /// What is told while none is.
  void tell_when_idle(Look look) { idle_ = std::move(look); }

 private:
  friend class Progress;
  bool handle_signal(int signal);
  void tell(const ProgressMeter& meter);
  Context& context_;
  std::list<ProgressMeter*> shown_;
  Look idle_;
};

/// While it lives, a transfer, or the wait for one, is shown: by a bar on standard error, wiped at the end,
/// where one may be drawn, by an event `progress` every second where events are wanted, and at SIGUSR1.
class Progress : NonCopyable {
 public:
  Progress(ProgressBoard& board, Look look);
  ~Progress() { board_.shown_.erase(place_); }

 private:
  ProgressBoard& board_;
  ProgressMeter meter_;
  std::list<ProgressMeter*>::iterator place_;
  TaskGroup tasks_;  // goes first
};

}  // namespace sockx
