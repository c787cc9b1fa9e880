#include "datagram/load_count.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sockx {

/// False when it has come before. The number is one of the last `window`, and so its place in the ring is its
/// own, or that of a block which the window has left behind.
bool LoadCount::mark(std::uint64_t sequence) {
  const auto number = sequence / Block::size;
  auto& block = blocks_[number % blocks_.size()];
  if (!block.bits) block.bits = std::make_unique<decltype(block.bits)::element_type>();
  if (block.number != number) {
    block.bits->fill(0);
    block.number = number;
  }
  auto& word = (*block.bits)[sequence % Block::size / 64];
  const auto bit = std::uint64_t{1} << sequence % 64;
  const bool is_new = (word & bit) == 0;
  word |= bit;
  return is_new;
}

void LoadCount::take(const LoadHeader& header, std::size_t size, std::uint64_t now, bool alone) {
  const auto sequence = header.sequence;
  if (!greatest_ || sequence > *greatest_) {
    greatest_ = sequence;
    mark(sequence);
  } else {
    const bool is_old = *greatest_ - sequence >= window;
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
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  const auto seen = !greatest_ ? 0 : *greatest_ == most ? most : *greatest_ + 1;
  report.sent = std::max(sent_.value_or(seen), received_);
  report.received = received_;
  report.bytes = bytes_;
  report.reordered = reordered_;
  report.duplicated = duplicated_;
  report.nanoseconds = last_time_ - std::min(first_time_, last_time_);  // a clock may be set back
  if (is_paced_alone_ && received_ > 1) report.jitter = static_cast<std::uint64_t>(jitter_);
  return report;
}

}  // namespace sockx
