// What a stretch of work has cost: CPU time and context switches of this process.
#pragma once

#include <cstdint>

namespace sockx {

/// Times in seconds; see getrusage(2), RUSAGE_SELF.
struct Usage {
  double user = 0, system = 0;
  std::uint64_t voluntary_switches = 0, involuntary_switches = 0;

  static Usage now();
  double cpu() const { return user + system; }
};

Usage operator-(const Usage& end, const Usage& begin);

}  // namespace sockx
