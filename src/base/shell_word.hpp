// Words as a shell reads them.
#pragma once

#include <string>
#include <string_view>

namespace sockx {

/// The word in single quotes, whatever bytes it has; for any POSIX shell.
std::string in_single_quotes(std::string_view word);

/// The word as a user would type it: with quotes only where it needs them, and on one line. What is unsafe to
/// show, such as a line end, becomes an escape in $'...', which bash, ksh and zsh know.
std::string quoted_for_shell(std::string_view word);

}  // namespace sockx
