// The subcommands about other programs whose part sockx can take.
#pragma once

#include <array>

#include "cli/command.hpp"

namespace sockx {

/// nc and explain, for --help and the completion: their words are read by run_nc() and run_explain().
extern const std::array<Command, 2> personality_commands;

}  // namespace sockx
