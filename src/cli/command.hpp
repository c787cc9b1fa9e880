// Command: a row of the table of subcommands.
#pragma once

#include <functional>
#include <memory>  // each command shares its options with what it returns
#include <string_view>

#include "cli/context.hpp"
#include "cli/exit_code.hpp"

namespace sockx {

class Flags;

/// What a command does once its words have been read.
using Run = std::function<ExitCode(Context&)>;

/// `declare` adds the options, examples included, and is called only for the subcommand that was named, so
/// that the start does not pay for the options of the others. It returns what to run after parsing.
struct Command {
  std::string_view name, summary;
  Run (*declare)(Flags&);
};

}  // namespace sockx
