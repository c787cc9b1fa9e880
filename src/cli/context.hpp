// Context: what a running command is given.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_code.hpp"
#include "cli/log.hpp"
#include "cli/report.hpp"
#include "flow/event_loop.hpp"
#include "flow/task.hpp"
#include "os/signals.hpp"

namespace sockx {

/// A signal has stopped the run. When app catches this, everything has been cleaned up, and it dies by that
/// signal.
class Interrupted : public std::exception {
 public:
  explicit Interrupted(int signal) : signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

class Context {
 public:
  Context(Report& to_report, Log& to_log) : report(to_report), log(to_log) {}

  /// Handles a signal. Returns whether the run goes on.
  using SignalHandler = std::function<bool(int signal)>;
  /// Runs `task` until it ends. Throws Interrupted after a signal, and TimedOut after `deadline`; the task
  /// has then been cancelled, and has released what it owned.
  void run(Task<> task, std::optional<Duration> deadline = {}, const SignalHandler& handle = {},
           SignalCatcher::Rules signals = {});
  /// Whether a signal has ended the run; a task that is being cancelled can ask.
  bool is_interrupted() const { return caught_signal() != 0; }
  /// The signal, or 0.
  int caught_signal() const { return signals_ != nullptr ? signals_->ending() : 0; }
  EventLoop& loop();
  /// Drops the loop, which must have no tasks left, so that the process can fork. loop() makes another.
  void drop_loop() { loop_.reset(); }

  /// Reports a failure: on standard error, in the log file, as an event. Returns its exit status. The event
  /// also has the fields `about`.
  ExitCode fail(std::exception_ptr thrown, const std::vector<Field>& about = {});
  /// The same for a failure that is the result the user asked for: with --quiet it prints nothing.
  ExitCode answer(std::exception_ptr thrown);

  Report& report;
  Log& log;
  bool shows_progress = false;  // standard error is a terminal, and there is no --quiet or --json

 private:
  const SignalCatcher* signals_ = nullptr;  // while a task runs
  std::optional<EventLoop> loop_;           // made when first asked for: not every command waits
};

}  // namespace sockx
