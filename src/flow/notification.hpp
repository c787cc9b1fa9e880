// Notification: wakes the coroutines that wait for a change of state.
#pragma once

#include <list>

#include "base/non_copyable.hpp"
#include "flow/event_loop.hpp"

namespace sockx {

/// A condition variable for coroutines of one loop. It has no memory: wait in a loop that checks the
/// state.
class Notification : NonCopyable {
 public:
  explicit Notification(EventLoop& loop) : loop_(&loop) {}

  class [[nodiscard]] Wait : public Waiter {
   public:
    Wait(Notification& source, Deadline deadline) : Waiter(*source.loop_, deadline), source_(&source) {}
    ~Wait() { unlink(); }
    void await_suspend(std::coroutine_handle<> suspended) {
      place_ = source_->waiting_.insert(source_->waiting_.end(), this);
      linked_ = true;
      Waiter::await_suspend(suspended);
    }

   private:
    void unlink() final {
      if (std::exchange(linked_, false)) source_->waiting_.erase(place_);
    }
    Notification* source_;
    std::list<Wait*>::iterator place_;
    bool linked_ = false;
  };

  /// `co_await` returns true after notify(), false at the deadline.
  Wait wait(Deadline deadline = never) { return {*this, deadline}; }
  void notify() {
    while (!waiting_.empty()) waiting_.front()->wake();
  }

 private:
  EventLoop* loop_;
  std::list<Wait*> waiting_;
};

}  // namespace sockx
