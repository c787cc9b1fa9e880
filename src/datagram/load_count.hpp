// LoadCount: counts the datagrams of one load by their sequence numbers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "datagram/load_packet.hpp"

namespace sockx {

/// Counts datagrams by their sequence numbers. Memory is bounded: only for the last `window` numbers it is
/// known which have come; an older one counts as late, not as a duplicate. The
/// work for a datagram is bounded as well, whatever its number is.
class LoadCount {
 public:
  static constexpr std::uint64_t window = 1U << 20U;

  LoadCount() : blocks_(window / Block::size + 1) {}

  /// A datagram that arrived at `now`, in nanoseconds since 1970. `alone`: not in a train, so that the moment
  /// is its own.
  void take(const LoadHeader& header, std::size_t size, std::uint64_t now, bool alone);
  /// The load has ended after so many datagrams.
  void end(std::uint64_t sent) { sent_ = sent; }
  bool has_ended() const { return sent_.has_value(); }

  /// As of now; while the load goes on, the greatest number that has come says how many were sent.
  LoadReport report() const;

 private:
  /// Which of `size` numbers in a row have come.
  struct Block {
    static constexpr std::uint64_t size = 4096;
    std::uint64_t number = 0;  // that of its first sequence number, divided by the size
    std::unique_ptr<std::array<std::uint64_t, size / 64>> bits;
  };
  bool mark(std::uint64_t sequence);
  void measure_jitter(std::uint64_t sent, std::uint64_t received);

  std::vector<Block> blocks_;              // a ring: a block has its place by its number
  std::optional<std::uint64_t> greatest_;  // of the numbers that have come
  std::optional<std::uint64_t> sent_;
  std::uint64_t received_ = 0, bytes_ = 0, reordered_ = 0, duplicated_ = 0;
  std::uint64_t first_time_ = 0, last_time_ = 0;
  double jitter_ = 0;
  std::optional<std::uint64_t> transit_;  // of the last datagram; clocks need not agree
  bool is_paced_alone_ = true;            // so far: jitter means something
};

}  // namespace sockx
