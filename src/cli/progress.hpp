// The progress of a transfer: a bar on a terminal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "cli/context.hpp"
#include "flow/task.hpp"

namespace sockx {

/// Draws the bar on standard error ten times a second until it is dropped, which wipes it: bytes so far, of
/// how many, the rate of the last second and the time left.
Task<> show_progress(std::function<std::uint64_t()> bytes_so_far, std::optional<std::uint64_t> total);

/// `transfer`, with the bar beside it where one may be drawn.
Task<> with_progress(Context& context, Task<> transfer, std::function<std::uint64_t()> bytes_so_far,
                     std::optional<std::uint64_t> total);

}  // namespace sockx
