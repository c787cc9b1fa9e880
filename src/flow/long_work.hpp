// LongWork: calls to a disk that may be slow, one after the other, without keeping the loop from the rest.
#pragma once

#include "flow/event_loop.hpp"

namespace sockx {

/// To be asked after each call; calls are for at most a few hundred KiB:
///
///   if (work.is_long()) {
///     co_await work.loop.next_turn();
///   }
struct LongWork {
  EventLoop& loop;
  Clock::time_point& last_active;  // is kept up to date

  /// Whether this turn of the loop has gone on for so long that others are to have theirs.
  bool is_long() {
    constexpr auto longest_turn = std::chrono::milliseconds(10);
    last_active = Clock::now();
    return last_active - loop.now() > longest_turn;
  }
};

}  // namespace sockx
