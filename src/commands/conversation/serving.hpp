// What listen can be told about serving many clients, or one with a handler; and the server made of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/time_limits.hpp"
#include "commands/serving/hosting.hpp"
#include "flow/relay.hpp"
#include "serve/program.hpp"

namespace sockx {

class Flag;
class Flags;

struct ServingOptions {
  HostingOptions hosting;
  bool whole_lines = false;            // of clients whose bytes go to one place
  std::string handler, forward, send;  // what serves; empty where not said
  std::optional<Until> until;          // --until, which is declared with the options of a conversation

  /// Whether anything was asked for that one conversation with the standard streams has not.
  bool are_given() const {
    return whole_lines || !handler.empty() || !forward.empty() || !send.empty() || hosting.are_given();
  }
};

/// The flags, which exclude those of one conversation.
void add_serving_flags(Flags& flags, ServingOptions& options, const std::vector<Flag>& conversation);

/// Completes the options with what they imply: the default handler, and whether the server stays. Throws
/// BadInput for options that do not go together.
void complete(ServingOptions& options, const ProgramCall& program);

/// Serves until it is stopped, or one client where there is no keep_open. Throws Interrupted once a signal
/// has ended it.
void serve(Context& context, const std::optional<Endpoint>& endpoint, const ListeningOptions& listening,
           const ServingOptions& options, const ProgramCall& program, const TimeLimits& limits);

}  // namespace sockx
