#include "datagram/load_count.hpp"

#include <algorithm>
#include <cmath>

namespace sockx {

/// False when it has come before.
bool LoadCount::mark(std::uint64_t sequence) {
  auto& word = seen_[sequence % window / 64];
  const auto bit = std::uint64_t{1} << sequence % 64;
  const bool is_new = (word & bit) == 0;
  word |= bit;
  return is_new;
}

void LoadCount::take(const LoadHeader& header, std::size_t size, std::uint64_t now, bool alone) {
  const auto sequence = header.sequence;
  if (sequence == next_) {
    seen_[sequence % window / 64] |= std::uint64_t{1} << sequence % 64;
    ++next_;
  } else if (sequence > next_) {
    // What the window now leaves behind is forgotten, number by number.
    if (sequence - next_ >= window)
      std::ranges::fill(seen_, 0);
    else
      for (auto number = next_; number <= sequence; ++number)
        seen_[number % window / 64] &= ~(std::uint64_t{1} << number % 64);
    next_ = sequence + 1;
    mark(sequence);
  } else {
    const bool is_old = next_ - sequence > window;
    if (!is_old && !mark(sequence)) {
      ++duplicated_;
      return;
    }
    ++reordered_;
  }
  if (received_ == 0) first_time_ = now;
  last_time_ = now;
  ++received_;
  bytes_ += size;
  is_paced_alone_ = is_paced_alone_ && alone && header.time != 0;
  if (is_paced_alone_) measure_jitter(header.time, now);
}

/// RFC 3550, section 6.4.1.
void LoadCount::measure_jitter(std::uint64_t sent, std::uint64_t received) {
  const auto transit = received - sent;  // modulo 2^64, and so is the difference of two
  if (transit_) {
    const auto change = static_cast<std::int64_t>(transit - *transit_);
    jitter_ += (std::abs(static_cast<double>(change)) - jitter_) / 16;
  }
  transit_ = transit;
}

LoadReport LoadCount::report() const {
  LoadReport report;
  report.sent = std::max(sent_.value_or(next_), received_);
  report.received = received_;
  report.bytes = bytes_;
  report.reordered = reordered_;
  report.duplicated = duplicated_;
  report.nanoseconds = last_time_ - std::min(first_time_, last_time_);  // a clock may be set back
  if (is_paced_alone_ && received_ > 1) report.jitter = static_cast<std::uint64_t>(jitter_);
  return report;
}

}  // namespace sockx
