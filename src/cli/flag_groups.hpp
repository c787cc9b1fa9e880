// Groups of options that several subcommands share.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.hpp"
#include "cli/time_limits.hpp"
#include "net/stream_options.hpp"

namespace sockx {

/// The words of one endpoint, read with Endpoint::parse once the command runs.
void add_endpoint(Flags& flags, std::vector<std::string>& words, const std::string& shown);

/// -4, -6, --numeric, --source, --interface, --mptcp, --congestion, --opt.
void add_stream_flags(Flags& flags, StreamOptions& options);

/// SOCKX_TIMEOUT gives the limits connect and idle a default.
void add_connect_timeout(Flags& flags, TimeLimits& limits);
void add_accept_timeout(Flags& flags, TimeLimits& limits);
/// --idle-timeout and --deadline.
void add_run_timeouts(Flags& flags, TimeLimits& limits);

}  // namespace sockx
