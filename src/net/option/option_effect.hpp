// The value that a socket option has after it was set, and why it differs.
#pragma once

#include <optional>
#include <string>

#include "net/option/socket_option.hpp"

namespace sockx {

struct OptionEffect {
  std::optional<OptionValue> value;  // in force now; nothing where this socket does not tell
  std::string reason;                // why that is not what was asked, as far as it is known
};

/// Reads a setting back that has just been applied to the socket.
OptionEffect effect_of(int socket, const OptionSetting& setting);

}  // namespace sockx
