// IoResult: what a call that moves bytes came to.
#pragma once

#include <cstddef>

namespace sockx {

struct IoResult {
  enum class State {
    moved,    // `bytes` were moved, at least one
    again,    // nothing could be moved now
    eof,      // the source has ended
    refused,  // this call does not work on these descriptors (EINVAL, ENOSYS, EOPNOTSUPP)
  };
  State state = State::again;
  std::size_t bytes = 0;
};

}  // namespace sockx
