// The idle timeout: ends what has not moved a byte for too long.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "flow/event_loop.hpp"
#include "flow/stream.hpp"

namespace sockx {

/// How long no byte has moved between two sides. Bytes that the peer acknowledges count as well: a slow
/// reader can take a long time to empty a full buffer.
class Idleness {
 public:
  static Duration usual_pause(Duration limit) { return limit / 8; }

  /// Looked at every `pause`; `waiting` are the bytes that are sent and not acknowledged at the beginning.
  Idleness(Duration limit, Duration pause, Clock::time_point last_byte, std::uint64_t waiting = 0)
      : limit_(limit), pause_(pause), since_(last_byte), waiting_(waiting), looked_at_(last_byte) {}
  /// Notes what has moved. True when nothing has for `limit`.
  bool look(Clock::time_point now, Clock::time_point last_byte, std::uint64_t waiting);
  /// When to look again.
  Deadline next_look() const { return std::min(since_ + limit_, looked_at_ + pause_); }

 private:
  Duration limit_, pause_;
  Clock::time_point since_;
  std::uint64_t waiting_;
  Clock::time_point looked_at_;
};

/// "no byte in either direction for 2 s"
std::string no_byte_within(Duration limit);

/// For one conversation; HandlerService looks after all clients of a server in one loop of its own.
/// Throws TimedOut when no byte has moved for `limit`, or an eighth of it later. Never ends otherwise, or
/// without a limit.
/// `last_byte` is what the pumps of the conversation keep up to date: a byte does not touch a timer, an early
/// end of the wait only looks again. `waiting` may give the bytes that are sent and not acknowledged.
Task<> watch_for_idleness(std::optional<Duration> limit, const Clock::time_point& last_byte,
                          std::function<std::uint64_t()> waiting = {});
/// With what `peer` has not acknowledged. Borrows it.
Task<> watch_for_idleness(std::optional<Duration> limit, const Clock::time_point& last_byte,
                          const Stream& peer);

}  // namespace sockx
