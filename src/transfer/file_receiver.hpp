// Receiving one raw file over one connection: all bytes until the peer closes.
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
  /// Called once, with what is waited for, if the sender sends nothing for patience_before_warning and does
  /// not close.
  std::function<void(const std::string&)> tell_silent = [](const std::string&) {};
};

/// Receives into `sink` until the peer closes, calls `complete`, and then closes the connection: so a sender
/// that waits for that knows that the file has its name. `connection` must be set to reset on close; this is
/// undone at the very end. Any failure before, here or in the caller, thus resets a TCP connection, so that
/// the sender does not see a success (unix sockets have no reset). Throws Incomplete when not exactly
/// `expected` bytes arrived, for any reason, or more than `most`; Error; TimedOut.
Task<> receive_file(Connection connection, UniqueFd sink, Descriptor described_sink, ReceiveOptions options,
                    TransferStats& stats, std::function<void()> complete);

}  // namespace sockx
