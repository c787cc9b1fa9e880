// The table of subcommands: what `sockx --help` lists and what the first word chooses from.
#pragma once

#include <array>

#include "cli/command.hpp"

namespace sockx {

extern const std::array<Command, 11> commands;

}  // namespace sockx
