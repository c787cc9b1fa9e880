#include "flow/rate_limit.hpp"

#include <algorithm>
#include <cmath>

namespace sockx {

double RateLimit::slice() const { return std::max(1.0, rate_ / 200); }

bool RateLimit::is_spent() const { return credit_ < slice(); }

std::uint64_t RateLimit::allowance(Clock::time_point now) {
  if (counted_ == Clock::time_point::min()) counted_ = now;
  const double most_saved = std::max(1.0, rate_ / 50);
  credit_ = std::min(credit_ + rate_ * seconds(now - counted_), most_saved);
  counted_ = now;
  return is_spent() ? 0 : static_cast<std::uint64_t>(credit_);
}

Clock::time_point RateLimit::worth_waking() const {
  const std::chrono::duration<double> wait((slice() - credit_) / rate_);
  return counted_ + std::chrono::ceil<Duration>(wait);
}

}  // namespace sockx
