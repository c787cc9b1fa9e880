// on_thread(): runs a call that can only block on a thread.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "flow/watch.hpp"

namespace sockx {

/// Runs `work`, which must not throw, on a thread of its own; nothing when the deadline comes first. A thread
/// cannot be cancelled: `work` has to own what it uses, and its late answer is dropped.
template <class Answer>
Task<std::optional<Answer>> on_thread(std::function<Answer()> work, Deadline deadline = never) {
  struct Shared {
    std::function<Answer()> work;
    Answer answer{};
    std::atomic<bool> answered = false;
    UniqueFd wakes{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  };
  const auto shared = std::make_shared<Shared>();  // freed by the last of the two
  shared->work = std::move(work);
  if (!shared->wakes) throw_errno("eventfd");
  Watch watch(co_await this_loop(), shared->wakes.get());
  const auto answer = [shared] {
    shared->answer = shared->work();
    shared->answered = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(shared->wakes.get(), &one, sizeof one);
  };
  try {
    std::thread(answer).detach();
  } catch (const std::system_error& error) {
    throw Error(error.code().value(), "create a thread");
  }
  const bool in_time = co_await watch.readable(deadline);
  if (!in_time || !shared->answered) co_return std::nullopt;
  co_return std::move(shared->answer);
}

}  // namespace sockx
