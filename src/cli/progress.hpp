// The progress of a transfer, as a bar or as events.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "cli/context.hpp"
#include "flow/task.hpp"

namespace sockx {

/// `transfer`, with its progress shown beside it: a bar on standard error, wiped at the end, where one may be
/// drawn, and an event `progress` every second where events are wanted. Both give the bytes so far, of how
/// many, the rate of the last second and the time left.
Task<> with_progress(Context& context, Task<> transfer, std::function<std::uint64_t()> bytes_so_far,
                     std::function<std::optional<std::uint64_t>()> total);

}  // namespace sockx
