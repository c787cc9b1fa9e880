// --pass-fd: the connection goes on in another process.
#pragma once

#include "commands/conversation/conversation.hpp"

namespace sockx {

/// Whatever takes the connection over: connected to, or found on standard output, before there is a
/// connection to pass. Throws BadInput when that is no unix socket, and Error.
Task<Stream> open_fd_receiver(const ConversationOptions& options);

/// Passes the connection to `fd_receiver` and lets it go.
Task<> pass_connection(Context& context, Connection connection, Stream fd_receiver);

}  // namespace sockx
