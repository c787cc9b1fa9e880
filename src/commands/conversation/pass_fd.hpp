// --pass-fd: the connection is passed to another process.
#pragma once

#include "commands/conversation/conversation.hpp"

namespace sockx {

/// The unix socket to pass the connection through: a new connection, or standard output. To be opened before
/// there is a connection to pass. Throws BadInput if it is not a unix socket, and Error.
Task<Stream> open_fd_receiver(const ConversationOptions& options);

/// Passes the descriptor through `fd_receiver`. With `sets_blocking` it is put in blocking mode first, as
/// programs expect it. O_NONBLOCK belongs to the open file description, so this also changes it for every
/// other process that has the socket: it is for sockets that are ours alone. Throws Error.
Task<> pass_descriptor(int fd, bool sets_blocking, Stream fd_receiver);

/// Passes the connection through `fd_receiver`, and closes it here.
Task<> pass_connection(Context& context, Connection connection, Stream fd_receiver);

}  // namespace sockx
