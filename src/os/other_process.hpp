// Another running process, and duplicates of its descriptors.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "os/unique_fd.hpp"

namespace sockx {

/// A process that is held by pidfd_open(2), so that a descriptor is never taken from another one to which its
/// number has passed on.
class OtherProcess {
 public:
  /// Throws Error when there is none.
  explicit OtherProcess(pid_t pid);

  /// The numbers of its open descriptors, from /proc, in order. Throws Error.
  std::vector<int> descriptors() const;
  /// A duplicate of its descriptor `number` by pidfd_getfd(2): both mean one open file, whose status flags
  /// should stay as they are. Nothing when that is not open. Throws Error; where permission is missing, it
  /// says what is needed.
  std::optional<UniqueFd> duplicate(int number) const;

 private:
  pid_t pid_;
  UniqueFd pid_fd_;
};

}  // namespace sockx
