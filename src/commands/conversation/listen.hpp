// sockx listen: accept one connection and join it to the standard streams, or serve many.
#pragma once

#include <optional>

#include "cli/command.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "commands/conversation/serving.hpp"

namespace sockx {

struct ListenCommandOptions {
  std::optional<Endpoint> endpoint;  // none where a service manager has given us the socket
  ListenFlags listening;
  ConversationOptions conversation;
  ServingOptions serving;
};

void declare(Flags& flags, ListenCommandOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const ListenCommandOptions& options);

}  // namespace sockx
