// The datagrams of a measured load: what the generator sends, and how the meter answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sockx {

/// The head of every datagram of a load. All numbers are in network order, one behind the other.
struct LoadHeader {
  enum class Kind : std::uint32_t {
    load = 0x73786c31,    // "sxl1": datagram `sequence`
    end = 0x73786531,     // "sxe1": the load has ended; `sequence` is how many datagrams it had
    report = 0x73787231,  // "sxr1": the meter's answer to that; a LoadReport follows
  };
  static constexpr std::size_t size = 24;

  Kind kind = Kind::load;
  std::uint32_t stream = 0;    // a number of the generator's choice
  std::uint64_t sequence = 0;  // from 0
  std::uint64_t time = 0;      // when it was sent, in nanoseconds since 1970; 0 where there is no rate

  void put(std::byte* at) const;
  /// Nothing for what is no datagram of a load.
  static std::optional<LoadHeader> read(std::span<const std::byte> bytes);
};

/// What a meter has counted of one load; sent = received + lost.
struct LoadReport {
  static constexpr std::size_t size = 7 * 8;

  std::uint64_t sent = 0, received = 0, bytes = 0;
  std::uint64_t reordered = 0;        // came after one that was sent later
  std::uint64_t duplicated = 0;       // came again; not among those received
  std::uint64_t nanoseconds = 0;      // from the first to the last that was received
  std::uint64_t jitter = UINT64_MAX;  // nanoseconds, RFC 3550 section 6.4.1; the greatest: not measured

  std::uint64_t lost() const { return sent - received; }
  bool has_jitter() const { return jitter != UINT64_MAX; }
  double seconds() const { return static_cast<double>(nanoseconds) / 1e9; }

  std::vector<std::byte> datagram(std::uint32_t stream) const;
  /// Nothing for what is no report on that stream.
  static std::optional<LoadReport> read(std::span<const std::byte> packet, std::uint32_t stream);
};

}  // namespace sockx
