#include "cli/context.hpp"

#include "base/on_exit.hpp"
#include "cli/units.hpp"
#include "flow/notification.hpp"
#include "flow/task_group.hpp"
#include "flow/watch.hpp"

namespace sockx {

namespace {

Task<> stop_at_signal(SignalCatcher& catcher, const Context::SignalHandler& handle) {
  Watch watch(co_await this_loop(), catcher.fd());
  for (;;) {
    co_await watch.readable();
    watch.forget_readable();
    while (const int signal = catcher.caught()) {
      const bool may_repeat = SignalCatcher::is_repeatable(signal);
      if (may_repeat) catcher.forget(signal);  // another may come while this one is handled
      if (!handle || !handle(signal)) throw Interrupted(signal);
      if (!may_repeat) catcher.forget(signal);
    }
  }
}

/// Throws when writing to standard output has failed.
Task<> watch_for_failure(Report& report) {
  Notification failed(co_await this_loop());
  report.when_failed([&failed] { failed.notify(); });
  const OnExit forget([&report] { report.when_failed(nullptr); });
  while (!report.failure()) {
    co_await failed.wait();
  }
  report.throw_failure();
}

/// Writes the queued lines of `output` when its reader takes them.
Task<> write_what_waits(LineOutput& output) {
  auto& loop = co_await this_loop();
  Notification waiting(loop);
  output.when_waiting([&waiting] { waiting.notify(); });
  const OnExit forget([&output] { output.when_waiting(nullptr); });
  for (;;) {
    while (output.flush()) {
      co_await waiting.wait();
    }
    while (!output.is_open()) {
      co_await loop.sleep_until(after(std::chrono::milliseconds(100)));
      output.flush();
    }
    Watch watch(loop, output.fd());
    while (!output.flush()) {
      watch.forget_writable();
      co_await watch.writable();
    }
  }
}

Task<> supervised(Task<> task, Report& report, SignalCatcher& catcher, const Context::SignalHandler& handle) {
  std::vector<Task<>> tasks;
  tasks.push_back(stop_at_signal(catcher, handle));
  tasks.push_back(watch_for_failure(report));
  for (auto& output : report.outputs()) tasks.push_back(write_what_waits(output));
  tasks.push_back(std::move(task));
  co_await any(std::move(tasks));
}

}  // namespace

void Context::run(Task<> task, std::optional<Duration> deadline, const SignalHandler& handle,
                  SignalCatcher::Rules signals) {
  SignalCatcher catcher({SIGINT, SIGTERM, SIGHUP}, std::move(signals));
  signals_ = &catcher;
  const OnExit forget([this] { signals_ = nullptr; });
  report.prepare();
  report.wait_until(deadline ? after(*deadline) : never);
  if (deadline)
    task = with_deadline(std::move(task), after(*deadline),
                         text("the deadline of {:g} s has passed", seconds(*deadline)));
  try {
    loop().run(supervised(std::move(task), report, catcher, handle));
  } catch (...) {
    if (const int signal = catcher.ending())
      throw Interrupted(signal);  // the signal is the reason, whatever failed
    throw;
  }
  if (const int signal = signal_that_ends()) throw Interrupted(signal);  // it came after the task had ended
}

ExitCode Context::fail(std::exception_ptr thrown, const std::vector<Field>& about) {
  const auto failure = describe_failure(std::move(thrown));
  log.failure(failure.message);
  report.failure(failure, about);
  return failure.status;
}

ExitCode Context::answer(std::exception_ptr thrown) {
  const auto failure = describe_failure(std::move(thrown));
  log.failure(failure.message);
  report.answer(failure);
  return failure.status;
}

EventLoop& Context::loop() {
  if (!loop_) loop_.emplace();
  return *loop_;
}

}  // namespace sockx
