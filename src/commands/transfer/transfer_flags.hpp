// The flags that send-file and recv-file share.
#pragma once

#include "cli/context.hpp"

namespace sockx {

class Flags;

/// --progress and --no-progress; by default a bar is drawn when standard error is a terminal.
struct ProgressFlags {
  bool always = false, never = false;
  void apply(Context& context) const {
    context.shows_progress = (context.shows_progress || always) && !never;
  }
};
void add_progress_flags(Flags& flags, ProgressFlags& target);

}  // namespace sockx
