// adopt(): the way to a socket that somebody else made.
#pragma once

#include "net/socket.hpp"

namespace sockx {

/// Takes over an inherited descriptor as a socket. Its status flags stay as they are, because they belong to
/// the open file description and so to whoever else holds it. Throws BadInput when it is no open socket.
Socket adopt(int fd);

}  // namespace sockx
