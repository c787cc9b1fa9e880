// join(): a client and the end that was opened for it.
#pragma once

#include "flow/relay.hpp"
#include "serve/client.hpp"
#include "serve/ends/relay_end.hpp"

namespace sockx {

/// Carries the bytes of each to the other, until both have ended; the client is the second end of `rules`.
/// When either fails, the other is reset. Throws Error, TimedOut, and std::runtime_error for a program that
/// fails.
Task<> join(Client& client, OpenEnd& end, RelayRules rules = {});

}  // namespace sockx
