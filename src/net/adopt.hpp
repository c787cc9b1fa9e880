// adopt(): the way to a socket that somebody else made.
#pragma once

#include "net/socket.hpp"

namespace sockx {

/// Takes over an inherited socket of `type` (SOCK_STREAM, SOCK_SEQPACKET), listening or connected. Its status
/// flags stay as they are, because they belong to the open file description and so to whoever else holds it.
/// Throws BadInput for what is no such socket, is neither, or is a standard stream, which listen and
/// connect use themselves.
Socket adopt(int fd, int type = SOCK_STREAM);
/// The same whatever the number; `name` is what a message calls it.
Socket adopt(int fd, const std::string& name, int type);
/// The same for a socket that has been passed to us; `name` is what a message calls it. Throws Error
/// (EPROTO).
Socket adopt(UniqueFd fd, const std::string& name, int type = SOCK_STREAM);

}  // namespace sockx
