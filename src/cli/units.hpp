// Durations, sizes and rates as they are shown.
#pragma once

#include <cstdint>
#include <string>

#include "base/units.hpp"
#include "flow/event_loop.hpp"

namespace sockx {

/// "1.50 GiB", "17 bytes".
std::string show_size(std::uint64_t bytes);
/// "1.23 GB/s", in powers of 1000, as link speeds are given.
std::string show_rate(double bytes_per_second);
/// "1.23 GB/s (1.01-1.30)": a rate with its range, in one unit.
std::string show_rate_range(double middle, double lowest, double highest);
/// "0.125 s", "3 min 20 s".
std::string show_duration(Duration span);

}  // namespace sockx
