// Sending one raw file over one connection: only its bytes, so that any peer can receive them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "flow/pump.hpp"
#include "flow/stream.hpp"
#include "net/stream/connection.hpp"
#include "os/unique_fd.hpp"
#include "transfer/transfer_stats.hpp"

namespace sockx {

/// A file opened for sending, at its first byte to be sent.
struct FileSource {
  UniqueFd fd;
  Descriptor described;
  /// How many bytes will be sent, by the size at open, the offset and the count. Nothing if there is no size:
  /// a pipe, a device, a file of /proc.
  std::optional<std::uint64_t> length;

  /// Opens `path`, or takes standard input for "-", and skips `offset` bytes. Throws Error with
  /// Origin::local_file; BadInput for an offset into what cannot seek or beyond the end.
  static FileSource open(const std::string& path, std::uint64_t offset, std::optional<std::uint64_t> count);
};

/// Waits for the writer of a FIFO that was opened by its name: before that it has neither bytes nor an end.
Task<> wait_for_writer(const FileSource& source);

struct SendOptions {
  TransferMethod method = TransferMethod::automatic;
  std::size_t chunk = 0;
  std::optional<std::uint64_t> count;  // for a source of unknown length: stop after so many bytes
  std::optional<std::uint64_t> rate;   // bytes a second
  std::optional<Duration> idle_timeout;
  std::optional<Duration> eof_timeout;  // for the peer to close after all has been sent
  /// Called once, if the peer has everything and does not close for patience_before_warning.
  std::function<void(const std::string&)> tell_open = [](const std::string&) {};
};

/// Sends, half-closes, and waits until the peer has closed; input is discarded. A return means that the peer
/// has received everything. Until all is sent, closing resets a TCP connection (SO_LINGER with 0 s), so that
/// a sender that fails or is killed, even by SIGKILL, does not look like the end of the file (unix sockets
/// have no reset). Throws Incomplete when a source of known length ended early; Error; TimedOut.
Task<> send_file(FileSource& source, Connection connection, SendOptions options, TransferStats& stats);

}  // namespace sockx
