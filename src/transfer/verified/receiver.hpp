// Receiving files and directories, each byte verified by a digest: sockx-transfer(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "flow/clock.hpp"
#include "flow/task.hpp"
#include "net/stream/connection.hpp"
#include "transfer/verified/setting_names.hpp"
#include "transfer/verified/tally.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// How many descriptors a transfer may have open, without its further connections.
constexpr std::size_t most_descriptors_of_session = 20;

struct VerifiedReceiveOptions {
  std::string folder = ".";                // where the files go
  std::string output = {};                 // the path of the only file, instead of the sender's name
  bool replaces = false;                   // existing files
  bool sync = false;                       // write files to disk before the sender is told
  std::optional<std::uint64_t> most = {};  // bytes of a file
  std::optional<std::uint64_t> most_files = 1'000'000;  // and folders
  /// How long each connection may take to send its Hello. A listening sender gives a stranger half of this,
  /// and the receiver may have to wait behind one.
  Duration greeting_time = std::chrono::seconds(20);
  std::optional<Duration> idle_timeout = {};
  Deadline deadline = never;
  /// Called when the sender wants no further connection, before it is answered, or has all that it wants.
  std::function<Task<>()> wants_no_more = []() -> Task<> { co_return; };
  std::string refusal = {};  // why nothing is received, for the sender; empty: it is received
  SettingNames names = {};
  std::function<void(const FileEvent&)> tell = [](const FileEvent&) {};
};

/// Gives a further connection of the transfer with this id: accepts it from the sender, or dials the sender.
using NextConnectionOf = std::function<Task<Connection>(SessionId)>;

/// Receives what one sender sends over `connection`, and returns when the sender has been told that all is
/// complete. If the sender wants more connections, `next` gives them. A file gets its name when it is
/// complete; else a part is kept for the next transfer. No name leads outside the folder. A failure of one
/// file does not stop the others: tally.first_failure has the first one. Throws Incomplete when the transfer
/// broke off; Corrupt when bytes are not what was sent, or not what a sender can send; Error for the local
/// disk.
Task<> receive_verified(Connection connection, NextConnectionOf next, VerifiedReceiveOptions options,
                        TransferTally& tally);

}  // namespace sockx
