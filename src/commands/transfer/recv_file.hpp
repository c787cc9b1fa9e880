// sockx recv-file: connections into files, to standard output or to nowhere.
#pragma once

#include <optional>

#include "cli/command.hpp"
#include "cli/time_limits.hpp"
#include "commands/serving/hosting.hpp"
#include "commands/transfer/connection_source.hpp"
#include "commands/transfer/received_output.hpp"
#include "commands/transfer/verified.hpp"
#include "transfer/file_receiver.hpp"

namespace sockx {

struct RecvFileOptions {
  std::optional<Endpoint> endpoint;  // none where a service manager has given us the socket
  ReceivedOutputOptions output;
  bool fsync = false;
  ConnectionSourceOptions connection{.listens = true};
  HostingOptions hosting;
  TimeLimits limits;
  ReceiveOptions receive;
  ProgressOptions progress;
  VerifiedReceiving verified;
};

void declare(Flags& flags, RecvFileOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const RecvFileOptions& options);

}  // namespace sockx
