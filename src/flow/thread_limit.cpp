#include "flow/thread_limit.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/on_exit.hpp"

namespace sockx {

ThreadLimit::Gate::Gate() : wakes(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wakes) throw_errno("eventfd");
}

ThreadLimit::ThreadLimit(EventLoop& loop, std::size_t most)
    : gate_(std::make_shared<Gate>()), most_(most), watch_(loop, gate_->wakes.get()), changed_(loop) {}

Task<ThreadLimit::Slot> ThreadLimit::enter() {
  while (gate_->held >= most_) {
    std::uint64_t leavings = 0;
    const bool somebody_left = read(gate_->wakes.get(), &leavings, sizeof leavings) > 0;
    if (somebody_left) continue;
    if (is_awaited_) {
      co_await changed_.wait();
      continue;
    }
    is_awaited_ = true;
    const OnExit woken([this] {
      is_awaited_ = false;
      changed_.notify();
    });
    watch_.forget_readable();
    co_await watch_.readable();
  }
  ++gate_->held;
  const auto leave = [gate = gate_](void*) {
    --gate->held;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(gate->wakes.get(), &one, sizeof one);
  };
  co_return Slot(gate_.get(), leave);
}

}  // namespace sockx
