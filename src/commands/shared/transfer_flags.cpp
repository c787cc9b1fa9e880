#include "commands/shared/transfer_flags.hpp"

#include "cli/flags.hpp"

namespace sockx {

void add_progress_flags(CLI::App& app, ProgressFlags& flags) {
  auto* const always = app.add_flag("--progress", flags.always, "draw a progress bar, terminal or not");
  app.add_flag("--no-progress", flags.never, "draw none")->excludes(always);
}

}  // namespace sockx
