// ThreadLimit: how many threads may run at once, those counted that nobody waits for any more.
#pragma once

#include <atomic>
#include <memory>

#include "flow/watch.hpp"

namespace sockx {

class ThreadLimit {
 public:
  ThreadLimit(EventLoop& loop, std::size_t most);

  /// Held while a thread runs; whoever lets the last copy go, on whatever thread, makes room for another.
  using Slot = std::shared_ptr<void>;
  /// Waits for room. One coroutine at a time may do so.
  Task<Slot> enter();

 private:
  struct Gate {
    Gate();
    std::atomic<std::size_t> held = 0;
    UniqueFd wakes;
  };
  std::shared_ptr<Gate> gate_;
  std::size_t most_;
  Watch watch_;  // goes before the descriptor that it watches
};

}  // namespace sockx
