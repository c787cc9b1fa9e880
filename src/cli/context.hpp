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

/// A signal has asked us to stop; everything has been cleaned up on the way out of the loop, and app now dies
/// by it.
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
  /// Runs `task` until it ends, a signal comes (Interrupted) or `deadline` has passed (TimedOut). In both of
  /// the latter cases the task has been cancelled, and so what it owned released, before this throws.
  void run(Task<> task, std::optional<Duration> deadline = {}, const SignalHandler& handle = {},
           SignalCatcher::Rules signals = {});
  /// Whether a signal has come that ends the run: a task can ask while it is cancelled.
  bool is_interrupted() const { return caught_signal() != 0; }
  /// The signal, or 0.
  int caught_signal() const { return signals_ != nullptr ? signals_->ending() : 0; }
  EventLoop& loop();
  /// The loop goes, with nothing left on it, so that the process can fork: the next to ask gets another.
  void drop_loop() { loop_.reset(); }

  /// Says what has failed: a line on standard error, in the log file, as an event. Returns the exit status
  /// that it asks for. `about` stands in the event too.
  ExitCode fail(std::exception_ptr thrown, const std::vector<Field>& about = {});
  /// The same where the failure is what the user has asked for: with --quiet the status says it all.
  ExitCode answer(std::exception_ptr thrown);

  Report& report;
  Log& log;
  bool shows_progress = false;  // a bar may be drawn: standard error is a terminal, and no --quiet or --json

 private:
  const SignalCatcher* signals_ = nullptr;  // while a task runs
  std::optional<EventLoop> loop_;           // made when first asked for: not every command waits
};

}  // namespace sockx
