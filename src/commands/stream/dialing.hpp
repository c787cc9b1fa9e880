// For commands that dial: options, log lines and a progress line around redial().
#pragma once

#include "cli/context.hpp"
#include "cli/time_limits.hpp"
#include "net/stream/redial.hpp"

namespace sockx {

class Flags;

struct RetryOptions {
  std::optional<unsigned> retries;
  std::optional<Duration> delay, wait_for;
  bool are_given() const { return retries || delay || wait_for; }
};

/// --retry, --retry-delay, --wait-for.
void add_retry_flags(Flags& flags, RetryOptions& target);

/// Logs whether MPTCP is in use.
void log_mptcp(Context& context, const std::string& peer, bool is_used);

/// DialOptions that log the attempts.
DialOptions dial_options(Context& context, const StreamOptions& stream, ProxyRoute route = {});
/// RedialOptions that log failed attempts. Throws BadInput.
RedialOptions redial_options(Context& context, const RetryOptions& flags,
                             std::optional<Duration> connect_timeout);

/// redial(), with a progress line on a terminal after one second.
Task<Connection> redial_visibly(Context& context, Endpoint endpoint, DialOptions dialing, RedialOptions how);

}  // namespace sockx
