// TaskGroup: tasks that run side by side and end together; all(), any(), with_deadline() and outcome_of().
#pragma once

#include <exception>
#include <list>
#include <string>
#include <vector>

#include "flow/notification.hpp"
#include "flow/task.hpp"

namespace sockx {

/// Owns running tasks. Dropping the group cancels those that are left.
class TaskGroup {
 public:
  explicit TaskGroup(EventLoop& loop) : loop_(&loop), changed_(loop) {}

  /// A task of the group; a reference to it is good until the task has ended.
  class Child;

  /// Starts `task`, which runs to its first suspension before this returns.
  Child& spawn(Task<> task);
  /// Drops a task that has not ended, as though it had ended. A task must not cancel itself.
  void cancel(Child& child);
  /// How many tasks have not ended.
  std::size_t running();
  /// Until every task has ended. Throws the first failure as soon as it happens; the rest goes on until
  /// dropped.
  Task<> join();
  /// Until a task has ended since the last call; false at the deadline. Throws as join() does.
  Task<bool> next_end(Deadline deadline = never);
  /// Whether next_end() would return or throw at once.
  bool has_end() const { return ends_ > 0; }
  /// Throws the first failure that has not been thrown yet.
  void throw_failure();

 private:
  Task<> supervise(Task<> task, Child& child);
  void note_end(Child& child);

  EventLoop* loop_;
  Notification changed_;
  std::exception_ptr failure_;
  std::size_t ends_ = 0;               // not yet reported by next_end()
  std::list<Child> children_, ended_;  // those that have ended are destroyed later
};

class TaskGroup::Child {
 private:
  friend class TaskGroup;
  Task<> task_;
  std::list<Child>::iterator place_;
};

/// Until both have ended; when one fails, the other is cancelled and the failure thrown.
Task<> all(Task<> first, Task<> second);

/// Until `task` has ended; throws TimedOut with `message`, and cancels it, at the deadline.
Task<> with_deadline(Task<> task, Deadline deadline, std::string message);

/// Until one has ended; the others are cancelled before this returns or throws, and those behind one that
/// ends at once do not begin.
Task<> any(std::vector<Task<>> tasks);
template <class... Others>
Task<> any(Task<> first, Others... others) {
  std::vector<Task<>> tasks;
  tasks.push_back(std::move(first));
  (tasks.push_back(std::move(others)), ...);
  return any(std::move(tasks));
}

/// Until `task` has ended. Returns what it threw, or null.
Task<std::exception_ptr> outcome_of(Task<> task);

}  // namespace sockx
