// sockx connect: open a connection and join it to the standard streams.
#pragma once

#include <optional>
#include <variant>

#include "cli/command.hpp"
#include "commands/conversation/checking.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "commands/stream/dialing.hpp"
#include "commands/stream/proxy_flags.hpp"
#include "commands/stream/proxy_header_flags.hpp"
#include "commands/stream/tls_flags.hpp"

namespace sockx {

struct ConnectOptions {
  Endpoint endpoint;
  StreamOptions stream;
  RetryOptions retry;
  ProxyFlags proxy;
  std::optional<ProxyHeaderVersion> send_proxy;
  TlsFlags tls;
  CheckOptions checking;
  ScanTarget scanned;  // with checking.scan, in place of the endpoint
  ConversationOptions conversation;
};

void declare(Flags& flags, ConnectOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const ConnectOptions& options);

}  // namespace sockx
