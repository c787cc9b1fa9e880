// generate(): numbered datagrams, as many as possible or at a rate, for a meter to count.
#pragma once

#include <cstdint>
#include <optional>

#include "datagram/datagram_rate.hpp"
#include "datagram/load_packet.hpp"
#include "datagram/outbox.hpp"
#include "flow/task.hpp"
#include "net/datagram/datagram_socket.hpp"

namespace sockx {

struct GeneratorOptions {
  std::size_t size = 0;                    // bytes of each datagram, at least LoadHeader::size
  std::optional<std::uint64_t> datagrams;  // with neither limit it goes on for ever
  std::optional<Duration> time;
  DatagramRate rate;
};

/// Kept up to date while it goes on.
struct GeneratorTally {
  DatagramCount sent;
  std::uint64_t calls = 0;
  Duration time{};
  std::optional<LoadReport> report;  // of the meter, when it has answered
};

/// Sends the load and asks the other side for its count, for two seconds. Without a rate datagrams go in
/// trains where the kernel takes them (UDP_SEGMENT); with one each goes by itself, up to 500,000 a second.
/// Throws Error, also when the other side refuses.
Task<> generate(DatagramEnd end, GeneratorOptions options, GeneratorTally& tally);

}  // namespace sockx
