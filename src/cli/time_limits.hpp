// TimeLimits: the time limits that the user has set.
#pragma once

#include <optional>

#include "flow/event_loop.hpp"

namespace sockx {

struct TimeLimits {
  std::optional<Duration> connect, accept, idle, whole_run;
};

/// An instant `span` from now, or never.
inline Deadline deadline_in(const std::optional<Duration>& span) { return span ? after(*span) : never; }

}  // namespace sockx
