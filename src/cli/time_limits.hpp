// TimeLimits: the time limits that the user has set, and the flags that set them.
#pragma once

#include <optional>
#include <string>

#include "flow/event_loop.hpp"

namespace sockx {

class Flags;

struct TimeLimits {
  std::optional<Duration> connect, accept, idle, whole_run;
};

/// An instant `span` from now, or never.
inline Deadline deadline_in(const std::optional<Duration>& span) { return span ? after(*span) : never; }

/// The environment variable SOCKX_TIMEOUT is the default of the limits connect and idle.
void add_connect_timeout(Flags& flags, TimeLimits& limits, const std::string& names = "-w,--connect-timeout");
void add_accept_timeout(Flags& flags, TimeLimits& limits);
void add_idle_timeout_and_deadline(Flags& flags, TimeLimits& limits);

}  // namespace sockx
