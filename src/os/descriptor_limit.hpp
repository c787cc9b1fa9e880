// The limit of open descriptors: RLIMIT_NOFILE in getrlimit(2).
#pragma once

#include <cstddef>

namespace sockx {

/// Raises the soft limit to the hard one, and returns it.
std::size_t raise_descriptor_limit();

}  // namespace sockx
