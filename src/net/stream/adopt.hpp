// adopt(): takes over a socket that another process made.
#pragma once

#include "net/socket.hpp"

namespace sockx {

/// Takes over an inherited socket of `type`: one for datagrams, or a stream or seqpacket socket that listens
/// or is connected. Its status flags stay as they are: they belong to the open file description, which other
/// processes share. Throws BadInput for any other descriptor, and for a standard stream, which has a use of
/// its own.
Socket adopt(int fd, int type = SOCK_STREAM);
/// The same whatever the number; `name` is what a message calls it.
Socket adopt(int fd, const std::string& name, int type);
/// The same for a socket that has been passed to us; `name` is what a message calls it. Throws Error
/// (EPROTO).
Socket adopt(UniqueFd fd, const std::string& name, int type = SOCK_STREAM);

}  // namespace sockx
