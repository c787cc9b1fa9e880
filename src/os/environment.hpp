// The environment of this process, and secrets in it.
#pragma once

#include <string>

namespace sockx {

/// Takes a variable out of the environment, so that no child has it, and overwrites its value, so that
/// /proc/PID/environ does not show it.
void forget_variable(const std::string& name);

}  // namespace sockx
