// join(): a client and the end that was opened for it.
#pragma once

#include "serve/client.hpp"
#include "serve/ends/relay_end.hpp"
#include "serve/handler.hpp"

namespace sockx {

/// Carries the bytes of each to the other, until both have ended. When either fails, the other is reset.
/// Borrows all. Throws Error, TimedOut, and std::runtime_error for a program that fails.
Task<> join(Client& client, OpenEnd& end, const JoinOptions& options);

}  // namespace sockx
