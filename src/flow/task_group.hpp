// TaskGroup: tasks that run side by side and end together; all() and any() in terms of it.
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

  /// Starts `task`, which runs to its first suspension before this returns.
  void spawn(Task<> task);
  /// How many tasks have not ended.
  std::size_t running();
  /// Until every task has ended. Throws the first failure as soon as it happens; the rest goes on until
  /// dropped.
  Task<> join();
  /// Until a task has ended since the last call of this; false at the deadline. Throws as join() does.
  Task<bool> next_end(Deadline deadline = never);
  /// Throws the first failure that nobody has been told of.
  void throw_failure();

 private:
  struct Child {
    Task<> task;
    bool ended = false;
  };
  Task<> supervise(Task<> task, Child& child);
  void reap();

  EventLoop* loop_;
  Notification changed_;
  std::exception_ptr failure_;
  std::size_t ends_ = 0;  // not yet told by next_end()
  std::list<Child> children_;
};

/// Until both have ended; when one fails, the other is cancelled and the failure thrown.
Task<> all(Task<> first, Task<> second);

/// Until `task` has ended; throws TimedOut with `message`, and cancels it, at the deadline.
Task<> bounded(Task<> task, Deadline deadline, std::string message);

/// Until one has ended; the others are cancelled before this returns or throws.
Task<> any(std::vector<Task<>> tasks);

}  // namespace sockx
