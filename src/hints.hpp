// Hints: what to type in place of what sockx does not have, for users of other tools.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// For an option, with its dashes, that the subcommand does not have; `command` is empty where none has been
/// named. The whole message, or nothing.
std::string hint_for_option(std::string_view command, std::string_view option);

/// For a first word that is no subcommand, but what another tool would call one. The whole message, or
/// nothing.
std::string hint_for_command(std::string_view word);

/// For an endpoint where a subcommand is missing; `words` begin with it. The whole message, or nothing.
std::string hint_for_endpoint(const std::vector<std::string>& words);

/// For `--exec`, `next` being the word behind it, without `--` before the program.
std::string hint_for_exec(std::string_view next);

}  // namespace sockx
