#include "cli/context.hpp"

#include "cli/units.hpp"
#include "flow/task_group.hpp"
#include "flow/watch.hpp"

namespace sockx {

namespace {

Task<> stop_at_signal(SignalCatcher& catcher, const Context::Heed& heed, int repeatable) {
  Watch watch(co_await this_loop(), catcher.fd());
  for (;;) {
    co_await watch.readable();
    watch.forget_readable();
    while (const int signal = catcher.caught()) {
      const bool may_repeat = signal == repeatable;
      if (may_repeat) catcher.forget(signal);  // one that comes while we heed this asks anew
      if (!heed || !heed(signal)) throw Interrupted(signal);
      if (!may_repeat) catcher.forget(signal);
    }
  }
}

Task<> with_signals(Task<> task, SignalCatcher& catcher, const Context::Heed& heed, int repeatable) {
  std::vector<Task<>> tasks;
  tasks.push_back(stop_at_signal(catcher, heed, repeatable));
  tasks.push_back(std::move(task));
  co_await any(std::move(tasks));
}

}  // namespace

void Context::run(Task<> task, std::optional<Duration> deadline, const Heed& heed,
                  SignalCatcher::Rules signals) {
  SignalCatcher catcher({SIGINT, SIGTERM, SIGHUP}, signals);
  if (deadline)
    task = bounded(std::move(task), after(*deadline),
                   text("the deadline of {:g} s has passed", seconds(*deadline)));
  try {
    loop().run(with_signals(std::move(task), catcher, heed, signals.repeatable));
  } catch (...) {
    if (catcher.caught() != 0)
      throw Interrupted(catcher.caught());  // whatever failed, the signal is the reason
    throw;
  }
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
