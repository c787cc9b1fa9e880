// Watch: the readiness of one descriptor, remembered from edge to edge.
#pragma once

#include <array>
#include <cstdint>

#include "base/non_copyable.hpp"
#include "flow/event_loop.hpp"

namespace sockx {

class Watch;

/// What a coroutine can wait for on a Watch.
enum class Readiness : std::uint8_t { input, output, urgent, hang_up };

/// `co_await` ends when one of at most two conditions is true, or returns false at the deadline.
class [[nodiscard]] ReadinessWait : public Waiter {
 public:
  struct Condition {
    Watch* watch = nullptr;
    Readiness what = Readiness::input;
  };
  ReadinessWait(EventLoop& loop, Condition first, Condition second, Deadline deadline)
      : Waiter(loop, deadline), conditions_{first, second} {}
  ~ReadinessWait() { unlink(); }

  bool await_ready() const;
  void await_suspend(std::coroutine_handle<> suspended);

 private:
  void unlink() final;
  std::array<Condition, 2> conditions_;  // null once unlinked: the watch may be destroyed before this is
};

/// One descriptor's registration with the loop, edge-triggered and made once: epoll tells only of changes,
/// and the watch remembers them. Call forget_readable() or forget_writable() only after a call has said that
/// it would block. To wait without that is safe. A regular file or /dev/null, which epoll refuses (EPERM), is
/// always ready. At most one coroutine waits for each kind of readiness at a time.
///
/// The watch must be destroyed before its descriptor is closed: a number that is reused would get no events.
/// Stream does so.
class Watch : NonCopyable {
 public:
  Watch(EventLoop& loop, int fd);
  ~Watch();

  EventLoop& loop() const { return *loop_; }
  ReadinessWait readable(Deadline deadline = never) { return wait({this, Readiness::input}, {}, deadline); }
  ReadinessWait writable(Deadline deadline = never) { return wait({this, Readiness::output}, {}, deadline); }
  /// Until this can be read, or the far end of `other` has closed (EPOLLHUP, EPOLLERR).
  ReadinessWait readable_or_hung_up(Watch& other, Deadline deadline = never) {
    return wait({this, Readiness::input}, {&other, Readiness::hang_up}, deadline);
  }
  /// Until urgent data have come: EPOLLPRI of epoll_ctl(2).
  ReadinessWait urgent(Deadline deadline = never) { return wait({this, Readiness::urgent}, {}, deadline); }
  /// Until the far end has closed (EPOLLHUP, EPOLLERR).
  ReadinessWait hung_up(Deadline deadline = never) { return wait({this, Readiness::hang_up}, {}, deadline); }
  /// When this can be written again, the coroutine that waits to read is woken too, once.
  void wake_reader_when_writable() { output_wakes_reader_ = true; }
  /// From now on the far end may close and come back: that is no hang-up.
  void ignore_hang_ups() { ignores_hang_ups_ = true; }
  bool is_hung_up() const { return ready_[index(Readiness::hang_up)]; }

  void forget_readable() { forget(Readiness::input); }
  /// After a call that could have taken more than there was: a stream is empty then (epoll(7)), unless its
  /// end or urgent data, at which reading stops too, have been announced.
  void forget_readable_after_short_read() {
    if (!ready_[index(Readiness::urgent)]) forget(Readiness::input);
  }
  void forget_writable() { forget(Readiness::output); }
  /// Wakes the coroutine that waits to read, so that it looks again: there is something to read now.
  void presume_readable() { note(Readiness::input); }
  /// Wakes the coroutine that waits to write, so that it looks again: there is something to write now.
  void presume_writable() { note(Readiness::output); }

 private:
  friend class EventLoop;
  friend class ReadinessWait;
  static constexpr std::size_t index(Readiness what) { return static_cast<std::size_t>(what); }
  ReadinessWait wait(ReadinessWait::Condition first, ReadinessWait::Condition second, Deadline deadline) {
    return {*loop_, first, second, deadline};
  }
  void forget(Readiness what) { ready_[index(what)] = always_ready_; }
  void note(std::uint32_t epoll_events);  // called by the loop
  void note(Readiness what);

  EventLoop* loop_;
  int fd_;
  bool always_ready_ = false, output_wakes_reader_ = false, ignores_hang_ups_ = false;
  std::array<bool, 4> ready_{};
  std::array<ReadinessWait*, 4> waiting_{};
};

}  // namespace sockx
