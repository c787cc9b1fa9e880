// What send-file and recv-file do with --verified.
#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/progress.hpp"
#include "commands/transfer/connection_source.hpp"
#include "transfer/verified/receiver.hpp"
#include "transfer/verified/sender.hpp"

namespace sockx {

/// For the messages of both ends.
inline constexpr SettingNames verified_flag_names{.verified = "--verified",
                                                  .name = "--name NAME",
                                                  .output_file = "-o FILE",
                                                  .output = "--output",
                                                  .force = "recv-file --force",
                                                  .max_size = "--max-size",
                                                  .max_files = "--max-files"};

struct VerifiedSendFlags {
  bool asked = false;
  VerifiedSendOptions options = {};
};
/// --verified and what needs it.
void add_verified_flags(Flags& flags, VerifiedSendFlags& target);

struct VerifiedReceiveFlags {
  bool asked = false;
  bool folder_given = false;
  VerifiedReceiveOptions options = {};
};
void add_verified_flags(Flags& flags, VerifiedReceiveFlags& target);

/// Sends to whom the meeting brings, and reports. Throws the first failure of a file when there was one, and
/// what send_verified() throws.
void send_verified_files(Context& context, ProgressBoard& board, const MeetingFlags& meeting,
                         Endpoint endpoint, const TimeLimits& limits, VerifiedSendOptions options);

/// Receives over one connection, and as many more as its sender wants, from `next`; reports. Throws as the
/// other.
Task<> receive_verified_files(Context& context, ProgressBoard& board, Connection connection, NextLane next,
                              VerifiedReceiveOptions options);

}  // namespace sockx
