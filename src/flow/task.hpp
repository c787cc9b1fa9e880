// Task: a lazy coroutine. The object owns its frame.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace sockx {

class EventLoop;

namespace detail {

struct PromiseBase {
  EventLoop* loop = nullptr;             // handed down from parent to child when a task is awaited
  std::coroutine_handle<> continuation;  // the coroutine that waits for the end of this task
  std::exception_ptr failure;

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) noexcept {
      if (const auto waiting = ended.promise().continuation) waiting.resume();  // may destroy `ended`
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() { failure = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  void return_value(T result) { value.emplace(std::move(result)); }
  T take() {
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  void return_void() {}
  void take() {
    if (failure) std::rethrow_exception(failure);
  }
};

}  // namespace detail

/// A coroutine that starts when it is awaited (or given to EventLoop::run or TaskGroup::spawn) and hands back
/// its result or its exception. Dropping a Task cancels it: the frame is destroyed where it waits, and with
/// it everything it owns. A task must not drop itself: only the coroutine that awaits it, or another one, may
/// drop it. Parameters are passed by value, or are references to what outlives the task.
template <class T = void>
class [[nodiscard]] Task {
 public:
  struct promise_type : detail::Promise<T> {
    Task get_return_object() { return Task(Handle::from_promise(*this)); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, {});
    }
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool done() const { return !frame_ || frame_.done(); }

  /// Runs to the first suspension. No coroutine waits for the end.
  void start(EventLoop& loop) {
    frame_.promise().loop = &loop;
    frame_.resume();
  }
  /// The result of a task that is done; throws what the task threw.
  T take() { return frame_.promise().take(); }

  /// Awaiting starts the child by a plain call and goes on at once when the child has ended without
  /// suspending. Symmetric transfer would be shorter, but g++ makes it a tail call only when it optimizes: a
  /// loop that awaits ready tasks would otherwise exhaust the stack.
  struct Awaiter {
    Handle child;
    bool await_ready() { return false; }
    template <class Parent>
    bool await_suspend(std::coroutine_handle<Parent> parent) {
      child.promise().loop = parent.promise().loop;
      child.resume();
      if (child.done()) return false;
      child.promise().continuation = parent;
      return true;
    }
    T await_resume() { return child.promise().take(); }
  };
  Awaiter operator co_await() && { return {frame_}; }

 private:
  explicit Task(Handle frame) : frame_(frame) {}
  Handle frame_;
};

namespace detail {
struct LoopAwaiter {
  EventLoop* loop = nullptr;
  bool await_ready() { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    loop = self.promise().loop;
    return false;
  }
  EventLoop& await_resume() { return *loop; }
};
}  // namespace detail

/// `co_await this_loop()`: the loop that runs the awaiting task.
inline detail::LoopAwaiter this_loop() { return {}; }

}  // namespace sockx
