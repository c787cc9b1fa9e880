// LogLimit: bounds how often something is told that anybody can cause, so that nobody can fill the log.
#pragma once

#include <algorithm>

#include "flow/clock.hpp"

namespace sockx {

/// Lets 100 at once through, and then 10 a second.
class LogLimit {
 public:
  bool admits(Clock::time_point now) {
    left_ = std::min(burst, left_ + per_second * std::max(0.0, seconds(now - last_)));
    last_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  static constexpr double burst = 100, per_second = 10;
  double left_ = burst;
  Clock::time_point last_ = Clock::now();
};

}  // namespace sockx
