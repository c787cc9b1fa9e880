#include "flow/event_loop.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>

#include "base/error.hpp"
#include "flow/file_reader.hpp"
#include "flow/watch.hpp"
#include "os/calls.hpp"

namespace sockx {

Deadline after(Duration span) {
  const auto now = Clock::now();
  return span >= never - now ? never : now + span;
}

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw_errno("epoll_create1");
#ifdef __SANITIZE_THREAD__
  is_coarse_ = true;  // it lets signals through in calls that it knows, and epoll_pwait2(2) is none of them
#endif
}

void EventLoop::turn() {
  std::array<epoll_event, 128> events;
  ++waits_;
  const int count = uninterrupted([&] { return wait_for_events(events); });
  now_ = Clock::now();
  if (count < 0) throw_errno("epoll_wait");
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    static_cast<Watch*>(event.data.ptr)->note(event.events);
  }
  wake_expired();
  for (auto left = ready_.size(); left > 0; --left) {
    Waiter* const next = ready_.front();
    ready_.pop_front();
    ++first_ready_;
    if (next == nullptr) continue;
    next->queued_ = false;
    next->suspended_.resume();
  }
}

EventLoop::~EventLoop() = default;

FileReader& EventLoop::file_reader() {
  if (!file_reader_) file_reader_ = std::make_unique<FileReader>(*this);
  return *file_reader_;
}

std::span<std::byte> EventLoop::scratch() {
  if (scratch_.empty()) scratch_.resize(64 * 1024);
  return scratch_;
}

int EventLoop::wait_for_events(std::span<epoll_event> events) {
  const int most = static_cast<int>(events.size());
  const auto left = time_to_wait();
  if (!is_coarse_) {
    timespec span{};
    if (left) span = {left->count() / 1'000'000'000, left->count() % 1'000'000'000};
    const int count = epoll_pwait2(epoll_.get(), events.data(), most, left ? &span : nullptr, nullptr);
    const bool is_unknown = errno == ENOSYS || errno == EPERM;  // before Linux 5.11, or to a filter of calls
    if (count >= 0 || !is_unknown) return count;
    is_coarse_ = true;
  }
  if (!left) return epoll_wait(epoll_.get(), events.data(), most, -1);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(*left).count();
  return epoll_wait(epoll_.get(), events.data(), most,
                    static_cast<int>(std::min<long>(milliseconds, INT_MAX)));
}

/// Nothing: until something happens.
std::optional<std::chrono::nanoseconds> EventLoop::time_to_wait() const {
  if (!ready_.empty()) return std::chrono::nanoseconds(0);
  if (timers_.empty()) return {};
  return std::max(timers_.begin()->first - Clock::now(), Duration(0));
}

void EventLoop::wake_expired() {
  while (!timers_.empty() && timers_.begin()->first <= now_) timers_.begin()->second->time_out();
}

void Waiter::await_suspend(std::coroutine_handle<> suspended) {
  suspended_ = suspended;
  if (deadline_ == never) return;
  timer_ = loop_->timers_.emplace(deadline_, this);
  has_timer_ = true;
}

void Waiter::wake() {
  if (queued_) return;
  unlink();
  if (std::exchange(has_timer_, false)) loop_->timers_.erase(timer_);
  queued_ = true;
  queue_number_ = loop_->first_ready_ + loop_->ready_.size();
  loop_->ready_.push_back(this);
}

void Waiter::time_out() {
  in_time_ = false;
  wake();
}

Waiter::~Waiter() {
  if (has_timer_) loop_->timers_.erase(timer_);
  if (queued_) loop_->ready_[queue_number_ - loop_->first_ready_] = nullptr;
}

}  // namespace sockx
