// BeforeDeath: what has to be undone even where a signal ends the process without running destructors.
#pragma once

#include <cstddef>

#include "base/non_copyable.hpp"

namespace sockx {

/// While it lives, `undo(what)` is called before a signal ends the process at once: the second SIGINT, and
/// signals that nobody catches, such as SIGQUIT and SIGABRT. SIGKILL cannot be noticed. `undo` may do only
/// what signal-safety(7) allows. It is not called in a process that has been forked. There is room for 16;
/// more are ignored.
class BeforeDeath : NonCopyable {
 public:
  using Undo = void (*)(const void* what);
  BeforeDeath(Undo undo, const void* what);
  ~BeforeDeath();

 private:
  std::size_t place_;
};

/// Called by die_by_signal().
void undo_before_death();

}  // namespace sockx
