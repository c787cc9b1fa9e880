#include "flow/idle_timeout.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/calls.hpp"

namespace sockx {

bool Idleness::look(Clock::time_point now, Clock::time_point last_byte, std::uint64_t waiting) {
  since_ = std::max(last_byte, waiting == waiting_ ? since_ : now);
  waiting_ = waiting;
  looked_at_ = now;
  return now - since_ >= limit_;
}

std::string no_byte_within(Duration limit) {
  return text("no byte in either direction for {:g} s", seconds(limit));
}

Task<> watch_for_idleness(std::optional<Duration> limit, const Clock::time_point& last_byte,
                          std::function<std::uint64_t()> waiting) {
  auto& loop = co_await this_loop();
  if (!limit) {
    co_await loop.sleep_until(never);
  }
  const auto pause = waiting ? Idleness::usual_pause(*limit) : *limit;
  const auto now_waiting = [&] { return waiting ? waiting() : 0; };
  Idleness idleness(*limit, pause, last_byte, now_waiting());
  while (!idleness.look(loop.now(), last_byte, now_waiting())) {
    co_await loop.sleep_until(idleness.next_look());
  }
  throw TimedOut(no_byte_within(*limit));
}

Task<> watch_for_idleness(std::optional<Duration> limit, const Clock::time_point& last_byte,
                          const Stream& peer) {
  return watch_for_idleness(limit, last_byte, [&peer] { return unacknowledged(peer.facts()).value_or(0); });
}

}  // namespace sockx
