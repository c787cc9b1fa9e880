// Workers: processes that do the same work side by side, and the parent that starts and replaces them.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <vector>

#include "base/non_copyable.hpp"
#include "flow/clock.hpp"
#include "os/child.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

struct WorkersOptions {
  unsigned count = 1;
  std::optional<Duration> deadline;  // for the whole run
  bool outlive_hang_up = false;      // SIGHUP is passed on, and asks for no end
  std::function<void(unsigned number, pid_t pid)> tell_started = [](unsigned, pid_t) {};
  std::function<void(unsigned number, const ChildEnd& end)> tell_died = [](unsigned, const ChildEnd&) {};
  std::function<void()> stop = [] {};  // no worker is replaced any more
};

/// The parent has no loop and no threads: it waits in sigtimedwait(2). SIGINT, SIGTERM and SIGHUP are passed
/// on by pipes, as bytes: a terminal and a service manager signal the workers too, and what comes from both
/// would count twice, or once, as it happens. A worker that dies is replaced, each at most once a second.
/// When the parent dies, for whatever reason, so do the workers (PR_SET_PDEATHSIG in prctl(2)).
class Workers : NonCopyable {
 public:
  /// The signal number that the workers get at the deadline.
  static constexpr int deadline_signal = SIGALRM;

  explicit Workers(WorkersOptions options);

  /// Returns many times: in each worker its number, from 0; in the parent nothing, once all have ended after
  /// a signal or the deadline. Throws Error when there can be no processes.
  std::optional<unsigned> start();
  /// In a worker, once it catches signals: those that have come meanwhile do now. Until then they are
  /// blocked.
  void let_signals_in() const;
  /// In a worker: where signals come, for SignalCatcher.
  int pipe() const { return pipe_.get(); }
  /// The signal that has ended the workers; 0 for the deadline.
  int signal() const { return signal_; }

 private:
  struct Worker {
    pid_t pid = -1;  // -1 while there is none
    Clock::time_point due{};
    UniqueFd pipe;
  };
  bool start(unsigned number);
  void reap();
  void pass_on(int signal);
  bool are_running() const;
  Deadline next_start() const;

  WorkersOptions options_;
  std::vector<Worker> workers_;
  UniqueFd pipe_;
  Deadline deadline_;
  sigset_t heard_, old_mask_;
  bool is_stopping_ = false, has_begun_ = false;
  int signal_ = 0;
};

}  // namespace sockx
