// EventLoop: one thread, one epoll(7), and the clock; every wait of a coroutine ends here.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/non_copyable.hpp"
#include "flow/clock.hpp"
#include "flow/task.hpp"
#include "os/unique_fd.hpp"

struct epoll_event;

namespace sockx {

class FileReader;
class Waiter;

/// Runs coroutines. Readiness and passed deadlines only put waiting coroutines in a queue; they are resumed
/// from that queue, between two calls of epoll_wait(2). So a coroutine may drop others: they leave the queue
/// when they are destroyed, and no event is handled after its watch has been destroyed.
class EventLoop : NonCopyable {
 public:
  EventLoop();
  ~EventLoop();

  /// Runs `task` to its end and returns or throws what it does.
  template <class T>
  T run(Task<T> task) {
    task.start(*this);
    while (!task.done()) turn();
    return task.take();
  }

  /// The time at the start of this turn, without a system call.
  Clock::time_point now() const { return now_; }
  /// One buffer of 64 KiB for the running coroutine. Its contents are lost at the next suspension.
  std::span<std::byte> scratch();
  /// Made when first asked for.
  FileReader& file_reader();
  /// How often the loop has called epoll_wait(2).
  std::uint64_t waits() const { return waits_; }

  auto sleep_until(Deadline deadline);
  /// Resumes everything else that is ready first.
  auto next_turn();

 private:
  friend class Waiter;
  friend class Watch;
  void turn();
  int wait_for_events(std::span<epoll_event> events);
  std::optional<std::chrono::nanoseconds> time_to_wait() const;
  void wake_expired();

  UniqueFd epoll_;
  Clock::time_point now_ = Clock::now();
  std::uint64_t waits_ = 0;
  bool is_coarse_ = false;          // the kernel counts the time of a wait in milliseconds only
  std::vector<std::byte> scratch_;  // made when first asked for
  std::multimap<Deadline, Waiter*> timers_;
  std::deque<Waiter*> ready_;      // null where a waiter has gone
  std::uint64_t first_ready_ = 0;  // the number of ready_.front(), counting from the first ever queued
  std::unique_ptr<FileReader> file_reader_;  // destroyed first
};

/// A suspended coroutine. It lives in the coroutine's frame, and leaves every queue when the frame is
/// destroyed. The object that it waits for calls wake(); at the deadline, the loop calls
/// time_out().
class Waiter : NonCopyable {
 public:
  Waiter(EventLoop& loop, Deadline deadline) : loop_(&loop), deadline_(deadline) {}

  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> suspended);
  /// False when the deadline came first.
  bool await_resume() const { return in_time_; }

  /// Queues the coroutine to be resumed; a second call changes nothing.
  void wake();

 protected:
  ~Waiter();
  /// Called when the wait is over, and when it is dropped: stop calling wake().
  virtual void unlink() {}
  EventLoop& loop() const { return *loop_; }

 private:
  friend class EventLoop;
  void time_out();

  EventLoop* loop_;
  Deadline deadline_;
  std::coroutine_handle<> suspended_;
  std::multimap<Deadline, Waiter*>::iterator timer_;
  bool has_timer_ = false, queued_ = false, in_time_ = true;
  std::uint64_t queue_number_ = 0;
};

/// Waits for nothing but its deadline.
class Sleep : public Waiter {
 public:
  using Waiter::Waiter;
};

class NextTurn : public Waiter {
 public:
  explicit NextTurn(EventLoop& loop) : Waiter(loop, never) {}
  void await_suspend(std::coroutine_handle<> suspended) {
    Waiter::await_suspend(suspended);
    wake();
  }
};

inline auto EventLoop::sleep_until(Deadline deadline) { return Sleep(*this, deadline); }
inline auto EventLoop::next_turn() { return NextTurn(*this); }

/// Until the deadline, on the loop that awaits it.
inline Task<> sleep_until(Deadline deadline) {
  auto& loop = co_await this_loop();
  co_await loop.sleep_until(deadline);
}

}  // namespace sockx
