#include "commands/transfer/transfer_flags.hpp"

#include "cli/flags.hpp"

namespace sockx {

void add_progress_flags(Flags& flags, ProgressFlags& target) {
  const auto always = flags.add_flag("--progress", target.always, "draw a progress bar, terminal or not");
  flags.add_flag("--no-progress", target.never, "draw none").excludes(always);
}

}  // namespace sockx
