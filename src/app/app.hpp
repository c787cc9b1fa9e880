// app: from the command line to the exit status.
#pragma once

#include <string>
#include <vector>

namespace sockx {

/// Runs sockx with the words of its command line, the program's name first. Returns the exit status, or dies
/// by the signal that ended the run.
int run_app(const std::vector<std::string>& words);

}  // namespace sockx
