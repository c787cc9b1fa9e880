// ask_password(): asks the user at the terminal for a password.
#pragma once

#include <optional>
#include <string>

#include "flow/event_loop.hpp"
#include "flow/task.hpp"

namespace sockx {

/// What the user types at the terminal of this process, which does not show it. Nothing where there is no
/// terminal.
Task<std::optional<std::string>> ask_password(std::string prompt);

}  // namespace sockx
