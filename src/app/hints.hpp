// Hints: what to type in place of what sockx does not have, for users of other tools.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/other_tools.hpp"

namespace sockx {

/// For an option, with its dashes, that the subcommand does not have; `command` is empty where none has been
/// named. `words` are all that were typed, but the subcommand. The whole message, or nothing.
std::string hint_for_option(std::string_view command, std::string_view option,
                            const std::vector<std::string>& words, const OptionLookup& takes_value);

/// For an option of a subcommand where none is named. The whole message, or nothing.
std::string hint_for_missing_command(const std::string& option, const std::vector<std::string>& words,
                                     const OptionLookup& takes_value);

/// For a first word that is no subcommand, but what another tool would call one, or one of its addresses;
/// `words` begin with it. The whole message, or nothing.
std::string hint_for_command(const std::vector<std::string>& words);

/// For an endpoint where a subcommand is missing; `words` begin with it. The whole message, or nothing.
std::string hint_for_endpoint(const std::vector<std::string>& words);

/// For a word too many. What to say after the word itself.
std::string hint_for_surplus(std::string_view command, const std::vector<std::string>& words,
                             const OptionLookup& takes_value);

/// For `--exec`, `next` being the word behind it, without `--` before the program.
std::string hint_for_exec(std::string_view next);

}  // namespace sockx
