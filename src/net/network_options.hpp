// The options of every socket that is opened, of any type.
#pragma once

#include <sys/socket.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "net/address/source.hpp"
#include "net/option/socket_option.hpp"

namespace sockx {

struct NetworkOptions {
  int family = AF_UNSPEC;               // AF_INET or AF_INET6 to have only that
  bool numeric = false;                 // no look-up of names
  std::string interface;                // the only one to use; empty for any
  std::optional<Source> source;         // where to send from, or the address to listen on
  std::vector<OptionSetting> settings;  // of the user's choice
};

/// Throws BadInput for the first of these settings that is given.
inline void refuse_given(std::initializer_list<std::pair<bool, const char*>> settings,
                         const std::string& reason) {
  for (const auto& [is_given, setting] : settings)
    if (is_given) throw BadInput(setting, reason);
}

}  // namespace sockx
