// --pass-fd: the connection goes on in another process.
#pragma once

#include "commands/conversation/conversation.hpp"

namespace sockx {

/// Whatever takes the connection over: connected to, or found on standard output, before there is a
/// connection to pass. Throws BadInput when that is no unix socket, and Error.
Task<Stream> open_taker(const ConversationOptions& options);

/// Passes the connection to `taker` and lets it go.
Task<> pass_on(Context& context, Connection connection, Stream taker);

}  // namespace sockx
