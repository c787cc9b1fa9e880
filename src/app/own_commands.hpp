// The table of all subcommands: those of commands/, and those that are about sockx itself.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"

namespace sockx {

/// What `sockx help` explains besides the subcommands: a section of sockx(1).
struct HelpTopic {
  std::string_view name, summary;
};
extern const std::array<HelpTopic, 6> help_topics;

/// In the order of --help.
std::vector<const Command*> all_commands();
std::vector<std::string> command_names();
/// Null if there is none of this name.
const Command* find_command(std::string_view name);
/// Whether the subcommand has a manual page of its own; else sockx(1) describes it.
bool has_page(const Command& command);

}  // namespace sockx
