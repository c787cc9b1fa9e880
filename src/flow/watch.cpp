#include "flow/watch.hpp"

#include <sys/epoll.h>

#include <cassert>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"

namespace sockx {

bool ReadinessWait::await_ready() const {
  for (const auto& [watch, what] : conditions_)
    if (watch != nullptr && watch->ready_[Watch::index(what)]) return true;
  return false;
}

void ReadinessWait::await_suspend(std::coroutine_handle<> suspended) {
  for (const auto& [watch, what] : conditions_) {
    if (watch == nullptr) continue;
    if (watch->waiting_[Watch::index(what)] != nullptr)
      throw std::logic_error("two coroutines wait for the same readiness of a descriptor");
    watch->waiting_[Watch::index(what)] = this;
  }
  Waiter::await_suspend(suspended);
}

void ReadinessWait::unlink() {
  for (auto& [watch, what] : conditions_) {
    if (watch != nullptr && watch->waiting_[Watch::index(what)] == this)
      watch->waiting_[Watch::index(what)] = nullptr;
    watch = nullptr;
  }
}

Watch::Watch(EventLoop& loop, int fd) : loop_(&loop), fd_(fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  if (epoll_ctl(loop.epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return;
  if (errno != EPERM) throw_errno("epoll_ctl");
  always_ready_ = true;
  ready_[index(Readiness::input)] = ready_[index(Readiness::output)] = true;
}

Watch::~Watch() {
  assert(waiting_ == decltype(waiting_){} && "a coroutine waits on a watch that goes");
  if (!always_ready_) epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
}

void Watch::note(std::uint32_t events) {
  const bool hung_up = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (hung_up && !ignores_hang_ups_) note(Readiness::hang_up);
  if (hung_up || (events & (EPOLLPRI | EPOLLRDHUP)) != 0) note(Readiness::urgent);
  if (hung_up || (events & (EPOLLIN | EPOLLRDHUP)) != 0) note(Readiness::input);
  if (hung_up || (events & EPOLLOUT) != 0) note(Readiness::output);
}

void Watch::note(Readiness what) {
  ready_[index(what)] = true;
  if (waiting_[index(what)] != nullptr) waiting_[index(what)]->wake();
  if (what == Readiness::output && std::exchange(output_wakes_reader_, false)) note(Readiness::input);
}

}  // namespace sockx
