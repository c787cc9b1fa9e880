#include "flow/task_group.hpp"

#include "base/error.hpp"

namespace sockx {

TaskGroup::Child& TaskGroup::spawn(Task<> task) {
  ended_.clear();
  auto& child = children_.emplace_back();
  child.place_ = std::prev(children_.end());
  child.task_ = supervise(std::move(task), child);
  child.task_.start(*loop_);
  return child;
}

/// The supervisor's own small frame stays for a while; the task, with all that it owns, goes at once.
Task<> TaskGroup::supervise(Task<> task, Child& child) {
  try {
    Task<> running = std::move(task);
    co_await std::move(running);
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
  }
  note_end(child);
}

void TaskGroup::note_end(Child& child) {
  ended_.splice(ended_.end(), children_, child.place_);
  ++ends_;
  changed_.notify();
}

void TaskGroup::cancel(Child& child) {
  const Task<> dropped = std::move(child.task_);
  note_end(child);
}

std::size_t TaskGroup::running() {
  ended_.clear();
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

Task<> with_deadline(Task<> task, Deadline deadline, std::string message) {
  TaskGroup group(co_await this_loop());
  group.spawn(std::move(task));
  const bool in_time = co_await group.next_end(deadline);
  if (!in_time) throw TimedOut(message);
}

Task<> any(std::vector<Task<>> tasks) {
  TaskGroup group(co_await this_loop());
  for (auto task = tasks.begin(); task != tasks.end() && !group.has_end(); ++task)
    group.spawn(std::move(*task));
  co_await group.next_end();
}

Task<std::exception_ptr> outcome_of(Task<> task) {
  std::exception_ptr failure;
  try {
    Task<> running = std::move(task);
    co_await std::move(running);
  } catch (...) {
    failure = std::current_exception();
  }
  co_return failure;
}

}  // namespace sockx
