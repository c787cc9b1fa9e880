// LoadCount: what has come of one load, told by the numbers in its datagrams.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "datagram/load_packet.hpp"

namespace sockx {

/// Counts datagrams by their sequence numbers. Memory is bounded: of the last `window` numbers it is known
/// which have come; an older one that comes is taken for one that is late, not for one that comes again.
class LoadCount {
 public:
  static constexpr std::uint64_t window = 1U << 20U;

  LoadCount() : seen_(window / 64) {}

  /// A datagram that arrived at `now`, in nanoseconds since 1970. `alone`: not in a train, so that the moment
  /// is its own.
  void take(const LoadHeader& header, std::size_t size, std::uint64_t now, bool alone);
  /// The load has ended after so many datagrams.
  void end(std::uint64_t sent) { sent_ = sent; }
  bool has_ended() const { return sent_.has_value(); }

  /// As of now; while the load goes on, the greatest number that has come says how many were sent.
  LoadReport report() const;

 private:
  bool mark(std::uint64_t sequence);
  void measure_jitter(std::uint64_t sent, std::uint64_t received);

  std::vector<std::uint64_t> seen_;  // bits, by the number modulo the window
  std::uint64_t next_ = 0;           // above all that have come
  std::optional<std::uint64_t> sent_;
  std::uint64_t received_ = 0, bytes_ = 0, reordered_ = 0, duplicated_ = 0;
  std::uint64_t first_time_ = 0, last_time_ = 0;
  double jitter_ = 0;
  std::optional<std::uint64_t> transit_;  // of the last datagram; clocks need not agree
  bool is_paced_alone_ = true;            // so far: jitter means something
};

}  // namespace sockx
