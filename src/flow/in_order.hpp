// InOrder: runs tasks side by side and delivers their results in the order in which they began.
#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <optional>

#include "flow/task_group.hpp"

namespace sockx {

/// The end of a task: its result, or what it threw.
template <class Result>
struct Outcome {
  std::optional<Result> result;
  std::exception_ptr failure;
};

template <class Result>
class InOrder {
 public:
  using Deliver = std::function<void(const Outcome<Result>&)>;

  /// At most `most` tasks run or wait until an earlier result has been delivered.
  InOrder(EventLoop& loop, std::size_t most, Deliver deliver)
      : most_(most), deliver_(std::move(deliver)), failed_(loop), tasks_(loop) {}

  /// Starts a task, once there is room.
  Task<> add(Task<Result> task) {
    while (places_.size() >= most_) {
      co_await tasks_.next_end();
    }
    auto& place = places_.emplace_back();
    tasks_.spawn(fill(place, std::move(task)));
  }
  /// Until everything has been delivered.
  Task<> finish() { co_await tasks_.join(); }
  /// Throws what `deliver` has thrown, as soon as it does.
  Task<> watch_for_failure() {
    while (!failure_) {
      co_await failed_.wait();
    }
    std::rethrow_exception(failure_);
  }

 private:
  using Place = std::optional<Outcome<Result>>;

  Task<> fill(Place& place, Task<Result> task) {
    Outcome<Result> outcome;
    try {
      auto result = co_await std::move(task);
      outcome.result = std::move(result);
    } catch (...) {
      outcome.failure = std::current_exception();
    }
    place = std::move(outcome);
    deliver_what_is_next();
  }

  void deliver_what_is_next() {
    while (!failure_ && !places_.empty() && places_.front()) {
      const auto next = std::move(*places_.front());
      places_.pop_front();
      try {
        deliver_(next);
      } catch (...) {
        failure_ = std::current_exception();
        failed_.notify();
      }
    }
  }

  std::size_t most_;
  Deliver deliver_;
  std::deque<Place> places_;
  std::exception_ptr failure_;
  Notification failed_;
  TaskGroup tasks_;  // destroyed first
};

}  // namespace sockx
