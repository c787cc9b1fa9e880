// sockx getaddrinfo: one call of getaddrinfo(3), with any hints and flags; shows all that it returns.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "flow/clock.hpp"
#include "net/address/lookups.hpp"

namespace sockx {

struct GetaddrinfoOptions {
  AddressQuery query;
  std::optional<Duration> timeout;
};

void declare(Flags& flags, GetaddrinfoOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const GetaddrinfoOptions& options);

}  // namespace sockx
