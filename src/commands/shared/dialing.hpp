// What every command that dials does around dial().
#pragma once

#include "cli/context.hpp"
#include "cli/flags.hpp"
#include "net/dial.hpp"

namespace sockx {

/// DialOptions whose attempts are told in the log.
DialOptions dial_options(Context& context, const StreamOptions& stream, const TimeLimits& limits);

}  // namespace sockx
