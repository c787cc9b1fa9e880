// The progress of transfers: as a bar, as events, and as a line at each SIGUSR1.
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

/// What a transfer is doing. resuming: it verifies what an earlier transfer left; finishing: all bytes are
/// moved, and it waits for the peer to close; waiting: the sender has sent nothing for a while.
enum class Phase { listening, connecting, resuming, sending, receiving, finishing, waiting };

struct ProgressState {
  Phase phase;
  std::string where;      // the peer, or while listening our own address
  std::string file = {};  // once there is a connection
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> total = {};
  std::optional<std::uint64_t> files = {}, files_total = {};  // of several: those that are whole
};
/// Returns the current state, without waiting. Called from time to time.
using Look = std::function<ProgressState()>;

/// The state of a transfer and its recent rate.
class ProgressMeter {
 public:
  explicit ProgressMeter(Look look) : look_(std::move(look)) { look_again(); }
  void look_again();

  const ProgressState& state() const { return state_; }
  /// Bytes a second, over the last second, or since the last look if that is longer ago.
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

/// One row of a terminal: "50% [####----] 143.05 MiB, 346.95 MB/s, 1 s left". The least important parts are
/// left out if they do not fit.
std::string progress_bar(const ProgressMeter& meter, std::size_t columns);
/// "sending disk.img to 127.0.0.1:5678: 50%, 143.05 MiB, 346.95 MB/s, 1 s left"
std::string progress_line(const ProgressMeter& meter);
/// The same as an event's fields.
std::vector<Field> progress_fields(const ProgressMeter& meter);

/// While it exists, a row on the terminal says what is waited for: shown after a second, wiped at the end.
/// Does nothing where no bar may be drawn.
class WaitingLine {
 public:
  /// `words` is called for each redraw.
  WaitingLine(Context& context, std::function<std::string()> words);

 private:
  std::function<std::string()> words_;
  TaskGroup tasks_;  // destroyed first
};

/// --progress and --no-progress; by default a bar is drawn when standard error is a terminal.
struct ProgressOptions {
  bool always = false, never = false;
  void apply(Context& context) const {
    context.shows_progress = (context.shows_progress || always) && !never;
  }
};
void add_progress_flags(Flags& flags, ProgressOptions& target);

/// The transfers of a run, which SIGUSR1 asks for. Once there is one of these, that signal does not kill the
/// process.
class ProgressBoard {
 public:
  explicit ProgressBoard(Context& context);
  /// Context::run(), where each SIGUSR1 is answered with a line on standard error, or an event, for each
  /// transfer that is shown.
  void run(Task<> task, std::optional<Duration> deadline = {},
           const Context::SignalHandler& handle_others = {}, SignalCatcher::Rules signals = {});
  /// What SIGUSR1 shows while there is no transfer.
  void tell_when_idle(Look look) { idle_ = std::move(look); }

 private:
  friend class Progress;
  bool handle_signal(int signal);
  void tell(const ProgressMeter& meter);
  Context& context_;
  std::list<ProgressMeter*> shown_;
  Look idle_;
};

/// While it exists, a transfer, or the wait for one, is shown: by a bar on standard error where one may be
/// drawn, by an event `progress` every second where events are written, and at SIGUSR1.
class Progress : NonCopyable {
 public:
  Progress(ProgressBoard& board, Look look);
  ~Progress() { board_.shown_.erase(place_); }

 private:
  ProgressBoard& board_;
  ProgressMeter meter_;
  std::list<ProgressMeter*>::iterator place_;
  TaskGroup tasks_;  // destroyed first
};

}  // namespace sockx
