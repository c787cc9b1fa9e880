// What is common to every socket that we open, whatever its type.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "net/socket_option.hpp"
#include "net/source.hpp"

namespace sockx {

struct NetworkOptions {
  int family = AF_UNSPEC;               // AF_INET or AF_INET6 to have only that
  bool numeric = false;                 // no look-up of names
  std::string interface;                // the only one to use; empty for any
  std::optional<Source> source;         // where to send from, or the address to listen on
  std::vector<OptionSetting> settings;  // --opt
};

}  // namespace sockx
