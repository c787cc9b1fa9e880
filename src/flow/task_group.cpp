#include "flow/task_group.hpp"

#include "os/error.hpp"

namespace sockx {

void TaskGroup::spawn(Task<> task) {
  reap();
  auto& child = children_.emplace_back();
  child.task = supervise(std::move(task), child);
  child.task.start(*loop_);
}

/// The supervisor's own small frame stays until it is reaped; the task, with all that it owns, goes at once.
Task<> TaskGroup::supervise(Task<> task, Child& child) {
  try {
    Task<> running = std::move(task);
    co_await std::move(running);
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
  }
  child.ended = true;
  ++ends_;
  changed_.notify();
}

void TaskGroup::reap() {
  children_.remove_if([](const Child& child) { return child.ended; });
}

std::size_t TaskGroup::running() {
  reap();
  return children_.size();
}

void TaskGroup::throw_failure() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

Task<> TaskGroup::join() {
  while (running() > 0) {
    throw_failure();
    co_await changed_.wait();
  }
  throw_failure();
}

Task<bool> TaskGroup::next_end(Deadline deadline) {
  while (ends_ == 0) {
    const bool in_time = co_await changed_.wait(deadline);
    if (!in_time) co_return false;
  }
  ends_ = 0;
  throw_failure();
  co_return true;
}

Task<> all(Task<> first, Task<> second) {
  TaskGroup group(co_await this_loop());
  group.spawn(std::move(first));
  group.spawn(std::move(second));
  co_await group.join();
}

Task<> bounded(Task<> task, Deadline deadline, std::string message) {
  TaskGroup group(co_await this_loop());
  group.spawn(std::move(task));
  const bool in_time = co_await group.next_end(deadline);
  if (!in_time) throw TimedOut(message);
}

Task<> any(std::vector<Task<>> tasks) {
  TaskGroup group(co_await this_loop());
  for (auto& task : tasks) group.spawn(std::move(task));
  co_await group.next_end();
}

}  // namespace sockx
