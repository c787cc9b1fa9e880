// The soft limit of open descriptors: RLIMIT_NOFILE in getrlimit(2).
#pragma once

#include <cstddef>

namespace sockx {

std::size_t descriptor_limit();
/// Sets it, where the hard limit allows that.
void set_descriptor_limit(std::size_t limit);
/// Raises it to the hard one, and returns it.
std::size_t raise_descriptor_limit();

}  // namespace sockx
