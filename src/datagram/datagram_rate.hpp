// DatagramRate: datagrams or bytes a second; SendSchedule: when the next one is due.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "flow/clock.hpp"

namespace sockx {

struct DatagramRate {
  double datagrams = 0, bytes = 0;  // a second; 0: as fast as it goes. At most one of them is set.
  bool is_set() const { return datagrams > 0 || bytes > 0; }
};

/// Reads datagrams a second like 200kpps, or bytes a second like 50MiB. Throws BadInput.
DatagramRate parse_datagram_rate(const std::string& word);

/// In seconds: some thirty years, which a Duration can count.
constexpr double longest_pause = 1e9;

/// Says when the next datagram is due. A delay is made up for, but by a burst of at most a fiftieth
/// of a second.
class SendSchedule {
 public:
  explicit SendSchedule(DatagramRate rate) : rate_(rate) {}

  /// When a datagram of `size` bytes may go; counts it as gone.
  Clock::time_point next(std::size_t size, Clock::time_point now) {
    if (!rate_.is_set()) return now;
    const double seconds = std::min(
        longest_pause, rate_.datagrams > 0 ? 1 / rate_.datagrams : static_cast<double>(size) / rate_.bytes);
    due_ = std::max(due_, now - std::chrono::milliseconds(20));
    const auto due = due_;
    due_ += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    return due;
  }

 private:
  DatagramRate rate_;
  Clock::time_point due_ = Clock::now();
};

}  // namespace sockx
