// --verified of send-file and recv-file.
#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/progress.hpp"
#include "cli/time_limits.hpp"
#include "commands/transfer/connection_source.hpp"
#include "transfer/verified/receiver.hpp"
#include "transfer/verified/sender.hpp"

namespace sockx {

/// The names of settings in messages of both ends.
inline constexpr SettingNames verified_flag_names{.verified = "--verified",
                                                  .name = "--name NAME",
                                                  .output_file = "-o FILE",
                                                  .output = "--output",
                                                  .force = "recv-file --force",
                                                  .max_size = "--max-size",
                                                  .max_files = "--max-files"};

struct VerifiedSending {
  bool asked = false;
  VerifiedSendOptions options = {};
};
/// --verified and the options that need it.
void add_verified_flags(Flags& flags, VerifiedSending& target);

struct VerifiedReceiving {
  bool asked = false;
  bool folder_given = false;
  VerifiedReceiveOptions options = {};
};
void add_verified_flags(Flags& flags, VerifiedReceiving& target);

/// Sends over connections from a ConnectionSource, and reports. Throws the first failure of a file, if any,
/// and what send_verified() throws.
void send_verified_files(Context& context, ProgressBoard& board, const ConnectionSourceOptions& flags,
                         Endpoint endpoint, const TimeLimits& limits, VerifiedSendOptions options);

/// Receives over `connection`, and over further ones from `next` if the sender wants them, and reports.
/// Throws as send_verified_files().
Task<> receive_verified_files(Context& context, ProgressBoard& board, Connection connection,
                              NextConnectionOf next, VerifiedReceiveOptions options);

}  // namespace sockx
