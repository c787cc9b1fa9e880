// receive_socket() and adopt_socket(): the way to a socket that another process has made.
#pragma once

#include "flow/event_loop.hpp"
#include "flow/task.hpp"
#include "net/address/address.hpp"
#include "net/address/endpoint.hpp"
#include "net/socket.hpp"

namespace sockx {

/// Listens on the unix socket `where` until a process passes a descriptor through it (SCM_RIGHTS in unix(7)),
/// as
/// --pass-fd and nc -F do, and returns that. Throws Error, and TimedOut at the deadline.
Task<UniqueFd> receive_socket(Address where, Deadline deadline);

/// The socket of an endpoint that is_adopted(), if it is of `type`. Throws as adopt() and receive_socket()
/// do.
Task<Socket> adopt_socket(Endpoint endpoint, int type, Deadline deadline);

}  // namespace sockx
