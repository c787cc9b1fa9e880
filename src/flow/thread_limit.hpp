// ThreadLimit: how many threads may run at once. Threads whose result is not awaited any more count too.
#pragma once

#include <atomic>
#include <memory>

#include "flow/notification.hpp"
#include "flow/watch.hpp"

namespace sockx {

class ThreadLimit {
 public:
  ThreadLimit(EventLoop& loop, std::size_t most);

  /// Held while a thread runs. Another thread may start when the last copy is destroyed, on any thread.
  using Slot = std::shared_ptr<void>;
  /// Waits for room.
  Task<Slot> enter();

 private:
  struct Gate {
    Gate();
    std::atomic<std::size_t> held = 0;
    UniqueFd wakes;
  };
  std::shared_ptr<Gate> gate_;
  std::size_t most_;
  Watch watch_;              // destroyed before the descriptor that it watches
  bool is_awaited_ = false;  // by the one coroutine that the watch can have; the others wait for `changed_`
  Notification changed_;
};

}  // namespace sockx
