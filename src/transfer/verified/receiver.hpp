// Receiving files and folders so that both ends know that they are whole: sockx-transfer(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "flow/clock.hpp"
#include "flow/task.hpp"
#include "net/connection.hpp"
#include "transfer/verified/setting_names.hpp"
#include "transfer/verified/tally.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// What a session may have open, besides connections other than its first.
constexpr std::size_t most_descriptors_of_session = 20;

struct VerifiedReceiveOptions {
  std::string folder = ".";                // where the files go
  std::string output = {};                 // the path of the only file, instead of the sender's name for it
  bool replaces = false;                   // files that are there
  bool sync = false;                       // on disk before the sender is told
  std::optional<std::uint64_t> most = {};  // bytes of a file
  std::optional<std::uint64_t> most_files = 1'000'000;  // and folders
  /// That a connection has for its first word: twice what a sender that listens gives to strangers, behind
  /// whom it may have to wait.
  Duration greeting_time = std::chrono::seconds(20);
  std::optional<Duration> idle_timeout = {};
  Deadline deadline = never;
  std::string refusal = {};  // why nothing is received, for a sender to be told; empty: all is well
  SettingNames names = {};
  std::function<void(const FileEvent&)> tell = [](const FileEvent&) {};
};

/// Gives a further connection of a session: one that its sender has opened for it, or that is opened to that
/// sender.
using NextLane = std::function<Task<Connection>(SessionId)>;

/// Receives what one sender sends over `connection`, and returns when it has been told that all is whole. If
/// that is to be more connections, `next` gives the others; it is dropped as soon as all are there. A file
/// gets its name when it is whole; of one that does not become so, a part is left for the next time. Names
/// from the network stay below the folder. What befalls one file does not keep the others:
/// tally.first_failure has the first of it. Throws Incomplete when the transfer broke off, Corrupt when bytes
/// are not what was sent, or no sender of ours could have sent them; Error for the local disk.
Task<> receive_verified(Connection connection, NextLane next, VerifiedReceiveOptions options,
                        TransferTally& tally);

}  // namespace sockx
