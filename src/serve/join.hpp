// join(): a client and a connection that was dialed for it.
#pragma once

#include "flow/cut_unless_complete.hpp"
#include "net/stream/connection.hpp"
#include "serve/client.hpp"

namespace sockx {

/// Carries the bytes of each to the other, until both have ended. When either fails, both are reset; `cut` is
/// that of `dialed`. Throws Error.
Task<> join(Client& client, Connection& dialed, CutUnlessComplete& cut);

}  // namespace sockx
