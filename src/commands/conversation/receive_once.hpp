// --recv-once: a single call of recv(2), exactly as asked, and what it returned.
#pragma once

#include "cli/context.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "flow/relay.hpp"
#include "flow/stage.hpp"
#include "flow/task.hpp"

namespace sockx {

/// Waits until there is something to receive (unless the flags say MSG_DONTWAIT), makes the call, reports it
/// and writes the bytes through the stages to standard output; `received` counts them. Throws Error when the
/// call failed.
Task<> receive_once(Context& context, const ConversationOptions& options, Stream& from, Stream& to,
                    Stages stages, std::uint64_t& received);

}  // namespace sockx
