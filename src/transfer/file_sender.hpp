// Sending one file over one connection, raw: the bytes and nothing else, so that any peer can take them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "flow/pump.hpp"
#include "flow/pumping.hpp"
#include "flow/stream.hpp"
#include "net/stream/connection.hpp"
#include "os/unique_fd.hpp"
#include "transfer/transfer_stats.hpp"

namespace sockx {

/// A file opened for sending, at its first byte to be sent.
struct FileSource {
  UniqueFd fd;
  Descriptor described;
  /// What will be sent: from the size at open, the offset and the count. Nothing for what has no size: a
  /// pipe, a device, a file of /proc.
  std::optional<std::uint64_t> length;

  /// Opens `path`, or takes standard input for "-", and skips `offset` bytes. Throws Error with
  /// Origin::local_file; BadInput for an offset into what cannot seek or beyond the end.
  static FileSource open(const std::string& path, std::uint64_t offset, std::optional<std::uint64_t> count);
};

/// Until somebody has written to, or closed, a fifo that was opened by its name: before that it has neither
/// bytes nor an end.
Task<> wait_for_writer(const FileSource& source);

struct SendOptions {
  TransferMethod method = TransferMethod::automatic;
  std::size_t chunk = 0;
  std::optional<std::uint64_t> count;  // for a source of unknown length: stop after so many bytes
  std::optional<std::uint64_t> rate;   // bytes a second
  std::optional<Duration> idle_timeout;
  std::optional<Duration> eof_timeout;  // for the peer to close after all has been sent
  /// A peer that has everything and does not close for patience_before_warning is told of, once.
  std::function<void(const std::string&)> tell_open = [](const std::string&) {};
};

/// Sends, half-closes, and waits until the peer has closed, reading and dropping what it says meanwhile: a
/// return means that the peer took everything. Until that point a TCP connection is set to end by a reset
/// (SO_LINGER with 0 s), so that a sender that fails or is killed, by SIGKILL even, never looks like the end
/// of a file; a unix socket knows no reset. Throws Incomplete when a source of known length ended early;
/// Error; TimedOut.
Task<> send_file(FileSource& source, Connection connection, SendOptions options, TransferStats& stats);

}  // namespace sockx
