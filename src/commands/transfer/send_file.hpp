// sockx send-file: send files over a connection, or compare ways to do it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/time_limits.hpp"
#include "commands/transfer/comparing.hpp"
#include "commands/transfer/connection_source.hpp"
#include "commands/transfer/verified.hpp"
#include "transfer/file_sender.hpp"

namespace sockx {

struct SendFileOptions {
  std::vector<std::string> files;
  std::optional<Endpoint> endpoint;  // none with compare: a receiver is started here
  std::optional<std::uint64_t> offset;
  std::optional<std::size_t> chunk;
  ComparisonRequest compare;
  ConnectionSourceOptions connection;
  TimeLimits limits;
  SendOptions send;
  ProgressOptions progress;
  VerifiedSending verified;
};

void declare(Flags& flags, SendFileOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const SendFileOptions& options);

}  // namespace sockx
