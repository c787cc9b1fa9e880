// TurnBudget: how long a turn of the event loop may take, for a series of calls to a disk that may be slow.
#pragma once

#include "flow/event_loop.hpp"

namespace sockx {

/// To be checked after each call of at most a few hundred KiB:
///
///   if (budget.is_spent()) {
///     co_await budget.loop.next_turn();
///   }
struct TurnBudget {
  EventLoop& loop;
  Clock::time_point& last_active;  // is kept up to date

  /// Whether this turn of the loop has taken so long that other coroutines should run.
  bool is_spent() {
    constexpr auto longest_turn = std::chrono::milliseconds(10);
    last_active = Clock::now();
    return last_active - loop.now() > longest_turn;
  }
};

}  // namespace sockx
