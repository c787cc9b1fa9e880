// The clock that every wait is measured by.
#pragma once

#include <chrono>

namespace sockx {

using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;
/// The instant at which a wait gives up. One deadline is handed all the way down, however many waits it
/// spans.
using Deadline = Clock::time_point;
inline constexpr Deadline never = Deadline::max();

inline double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

/// now + `span`, where a span too long to count is never.
Deadline after(Duration span);

}  // namespace sockx
