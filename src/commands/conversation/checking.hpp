// connect --check and --scan: whether ports are open, and nothing more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/time_limits.hpp"
#include "commands/stream/dialing.hpp"
#include "net/stream/scan.hpp"

namespace sockx {

class Flags;

struct CheckOptions {
  bool check = false, scan = false, any = false;
  std::optional<std::size_t> parallel;
};

/// --check, --scan, --parallel, --any.
void add_check_flags(Flags& flags, CheckOptions& target);

/// Connects to the endpoint, reports the result and closes. Returns the exit status; throws if it could not
/// try.
ExitCode run_check(Context& context, const Endpoint& endpoint, DialOptions dialing, const RetryOptions& retry,
                   const TimeLimits& limits);

/// Tries many ports of a host and reports which are open. Returns the exit status.
ExitCode run_scan(Context& context, const ScanTarget& target, const CheckOptions& flags, DialOptions dialing,
                  const TimeLimits& limits);

}  // namespace sockx
