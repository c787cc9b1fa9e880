// The soft limit of open descriptors: RLIMIT_NOFILE in getrlimit(2), and what is kept free below it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "os/unique_fd.hpp"

namespace sockx {

std::size_t descriptor_limit();
/// Sets it, where the hard limit allows that.
void set_descriptor_limit(std::size_t limit);
/// Raises it to the hard one, and returns it.
std::size_t raise_descriptor_limit();

/// Descriptors held open so that others cannot use them up: given up just before they are needed.
class DescriptorReserve {
 public:
  explicit DescriptorReserve(std::size_t size) : size_(size) {}
  /// Opens what is missing. Throws Error while descriptors have run out, and keeps those that it has.
  void fill();
  /// Closes all but so many.
  void give_up(std::size_t kept = 0) {
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(std::min(kept, held_.size())), held_.end());
  }

 private:
  std::size_t size_;
  std::vector<UniqueFd> held_;
};

}  // namespace sockx
