// RateLimit: bytes per second.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "flow/clock.hpp"

namespace sockx {

/// At most `bytes_per_second`, evenly: what was not used within a fiftieth of a second is lost, so that a
/// stall is not followed by a burst.
class RateLimit {
 public:
  explicit RateLimit(std::uint64_t bytes_per_second) : rate_(static_cast<double>(bytes_per_second)) {}
  /// Bytes that may be moved at `now`.
  std::uint64_t allowance(Clock::time_point now);
  /// Negative where stages have dropped bytes that were counted before.
  void spend(std::int64_t bytes) { credit_ -= static_cast<double>(bytes); }
  /// Whether there is nothing worth moving left of it.
  bool is_spent() const;
  /// When the allowance will be worth waking for.
  Clock::time_point worth_waking() const;

 private:
  double slice() const;  // the bytes of one wake-up
  double rate_, credit_ = 0;
  Clock::time_point counted_ = Clock::time_point::min();
};

/// For a reader of its own: none without a rate.
inline std::optional<RateLimit> limit_of(std::optional<std::uint64_t> bytes_per_second) {
  return bytes_per_second ? std::optional(RateLimit(*bytes_per_second)) : std::nullopt;
}

/// Bytes that it allows to move now.
inline std::uint64_t allowed_by(std::optional<RateLimit>& rate) {
  return rate ? rate->allowance(Clock::now()) : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace sockx
