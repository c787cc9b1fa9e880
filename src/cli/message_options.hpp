// Options about single messages: where they begin and end, and the MSG_ flags of the calls that move them.
#pragma once

#include <span>
#include <string>

#include "cli/flags.hpp"
#include "flow/framing.hpp"
#include "os/message_flags.hpp"

namespace sockx {

/// line, size=N, len32 or all. Throws BadInput.
Framing parse_framing(const std::string& word);

/// An option of flags by name, separated by commas.
void add_message_flags(Flags& flags, const std::string& name, int& target, std::span<const MessageFlag> known,
                       const std::string& help);

}  // namespace sockx
