// Command: a row of the table of subcommands.
#pragma once

#include <functional>
#include <memory>  // each command shares its options with what it returns
#include <string_view>

#include "cli/context.hpp"
#include "cli/exit_code.hpp"

namespace sockx {

class Flags;

/// Runs a command, after its words have been read.
using Run = std::function<ExitCode(Context&)>;

/// `declare` adds the options and examples, and returns what to run after parsing. It is called only for the
/// subcommand that was named: declaring the options of all would slow the start.
struct Command {
  std::string_view name, summary;
  Run (*declare)(Flags&);
};

}  // namespace sockx
