// sockx listen: accept one connection and join it to the standard streams, or serve many.
#pragma once

#include <optional>

#include "cli/command.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "commands/conversation/serve_clients.hpp"
#include "commands/stream/tls_flags.hpp"

namespace sockx {

struct ListenOptions {
  std::optional<Endpoint> endpoint;  // none where a service manager has given us the socket
  ListeningOptions listening;
  ConversationOptions conversation;
  ServingOptions serving;
  TlsFlags tls;
};

void declare(Flags& flags, ListenOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const ListenOptions& options);

}  // namespace sockx
