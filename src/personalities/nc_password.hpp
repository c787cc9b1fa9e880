// ask_password(): asks the user at the terminal for a password.
#pragma once

#include <optional>
#include <string>

#include "flow/task.hpp"
#include "personalities/nc_run.hpp"

namespace sockx {

/// What the user types at the terminal that controls this process, up to the end of the line. It is not shown
/// meanwhile; the settings of the terminal are restored on every way out. Nothing where there is no terminal,
/// or it cannot be used.
Task<std::optional<std::string>> ask_password(NcRun& run, std::string prompt);

}  // namespace sockx
