// Descriptors that travel: SCM_RIGHTS of unix(7).
#pragma once

#include <sys/socket.h>

#include <optional>

#include "os/descriptor.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// Sends a duplicate of `fd`, with one byte to carry it, as nc -F does. False when `socket`, a unix socket,
/// has no room now. Throws Error.
bool pass_fd(const Descriptor& socket, int fd);

/// Receives a descriptor, CLOEXEC: none when nothing has come yet. Throws Error, also when the peer has ended
/// or sends something else (EPROTO).
std::optional<UniqueFd> receive_fd(const Descriptor& socket);

/// Closes the descriptors that a received message has brought along unasked.
void close_passed_fds(msghdr& message);

}  // namespace sockx
