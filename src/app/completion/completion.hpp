// completion_script(): what a shell needs to complete the command lines of sockx.
#pragma once

#include <string>
#include <vector>

namespace sockx {

/// The shells that there are scripts for.
std::vector<std::string> shell_names();

/// A script for the shell, made from the declared options of all subcommands. Throws BadInput for a shell
/// that is not one of shell_names().
std::string completion_script(const std::string& shell);

}  // namespace sockx
