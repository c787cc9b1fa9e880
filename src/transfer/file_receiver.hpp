// Receiving one file over one connection, raw: whatever comes until the peer's end.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "flow/event_loop.hpp"
#include "flow/pump.hpp"
#include "net/stream/connection.hpp"
#include "os/unique_fd.hpp"
#include "transfer/transfer_stats.hpp"

namespace sockx {

struct ReceiveOptions {
  TransferMethod method = TransferMethod::automatic;
  std::optional<std::uint64_t> expected;  // bytes that must arrive, no more and no fewer
  std::optional<std::uint64_t> most;      // bytes that may arrive
  std::optional<Duration> idle_timeout;
  Deadline deadline = never;
  /// A sender that sends nothing for patience_before_warning, and does not end, is told of, once: what is
  /// waited for.
  std::function<void(const std::string&)> tell_silent = [](const std::string&) {};
};

/// Receives into `sink` until the peer's end, then calls `complete`, and only then closes the connection: a
/// sender that waits for our end knows that the file has its name. `connection` comes set to reset on close,
/// which this takes back at the very end: on any failure before, here or with the caller, TCP resets the
/// connection, so that the sender does not take it for success (a unix socket knows no reset). Throws
/// Incomplete when not exactly `expected` bytes arrived, for whatever reason, or more than `most`; Error;
/// TimedOut.
Task<> receive_file(Connection connection, UniqueFd sink, Descriptor described_sink, ReceiveOptions options,
                    TransferStats& stats, std::function<void()> complete);

}  // namespace sockx
