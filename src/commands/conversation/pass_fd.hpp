// --pass-fd: the connection is passed to another process.
#pragma once

#include "commands/conversation/conversation.hpp"

namespace sockx {

/// The unix socket to pass the connection through: a new connection, or standard output. To be opened before
/// there is a connection to pass. Throws BadInput if it is not a unix socket, and Error.
Task<Stream> open_fd_receiver(const ConversationOptions& options);

/// Passes the descriptor through `fd_receiver`. Programs expect
/// sockets in blocking mode.
Task<> pass_descriptor(int fd, bool sets_blocking, Stream fd_receiver);

/// Passes the connection through `fd_receiver`, and closes it here.
Task<> pass_connection(Context& context, Connection connection, Stream fd_receiver);

}  // namespace sockx
