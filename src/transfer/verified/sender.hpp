// Sending files and directories, each byte verified by a digest: sockx-transfer(7).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "flow/pump.hpp"
#include "flow/task.hpp"
#include "net/stream/connection.hpp"
#include "transfer/verified/setting_names.hpp"
#include "transfer/verified/tally.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

struct VerifiedSendOptions {
  std::vector<std::string> paths = {};  // files and folders; "-" is standard input
  std::string name = {};                // for the only one of them, at the receiver; empty: its own name
  DigestKind digest = DigestKind::xxh3_128;
  TransferMethod method = TransferMethod::automatic;
  unsigned streams = 1;  // connections
  bool compresses = false;
  std::optional<std::uint64_t> rate = {};  // bytes a second, over all connections
  std::optional<Duration> idle_timeout = {};
  Duration greeting_time = std::chrono::seconds(10);  // for the receiver's Welcome, on each connection
  bool listens = false;                               // `next` may give connections of others
  SettingNames names = {};
  std::function<void(const FileEvent&)> tell = [](const FileEvent&) {};
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

/// Gives a further connection: dials or accepts, as for the first one.
using NextConnection = std::function<Task<Connection>()>;

/// Sends over `connection` and the further ones that `next` gives, and returns when the receiver has said of
/// every file that it is complete and has its name. A failure of one file (it is unreadable, changes, is
/// refused) does not stop the others: tally.first_failure has the first one. Throws Incomplete when the
/// transfer broke off, for whatever reason; Corrupt; TimedOut when the receiver does not greet.
Task<> send_verified(Connection connection, NextConnection next, VerifiedSendOptions options,
                     TransferTally& tally);

}  // namespace sockx
