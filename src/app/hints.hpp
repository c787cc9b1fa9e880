// Hints for users of other tools: what to type instead of an option or word that sockx does not have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/other_tools.hpp"

namespace sockx {

/// For an option, with its dashes, that the subcommand does not have; `command` is empty if none was named.
/// `words` are all typed words but the subcommand. Returns the whole message, or nothing.
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

/// For a word too many. Returns the part of the message after the word.
std::string hint_for_surplus(std::string_view command, const std::vector<std::string>& words,
                             const OptionLookup& takes_value);

/// For the words behind `explain` that are no command line of nc. The whole message.
std::string hint_for_explanation(const std::vector<std::string>& words, const OptionLookup& takes_value);

/// For an option that needs another one, which is not there. The whole message, or nothing. `command` is the
/// whole name of the subcommand, and `words` are all typed words.
std::string hint_for_partner(std::string_view command, std::string_view option,
                             const std::vector<std::string>& words);

/// For `--exec`, `next` being the word behind it, without `--` before the program.
std::string hint_for_exec(std::string_view next);

}  // namespace sockx
