// measure(): counts the loads that generators send here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "datagram/load_packet.hpp"
#include "flow/task.hpp"
#include "flow/watch.hpp"
#include "net/datagram/datagram_socket.hpp"

namespace sockx {

struct MeterOptions {
  std::optional<std::uint64_t> loads;  // then it is over; without it, it goes on for ever
  std::optional<Duration> idle_timeout;
  std::function<bool(const Datagram&)> admits;  // whether a datagram is taken; empty: all are
};

/// One load.
struct MeterResult {
  Address source;
  bool is_complete = false;  // its end has been heard; otherwise the greatest number is taken for the last
  LoadReport report;
  std::uint32_t dropped = 0;  // buffers, each a datagram or a train, that the kernel has dropped meanwhile
  bool came_in_trains = false;
};

/// Counts, tells of each load when its end is heard, and answers the generator. Loads whose end has not been
/// heard are told when it is dropped or ends. Datagrams of others are counted in `foreign`. Throws Error,
/// TimedOut.
Task<> measure(DatagramEnd end, MeterOptions options, std::function<void(const MeterResult&)> tell,
               std::uint64_t& foreign);

}  // namespace sockx
