// What the completion scripts are made of: the declared options and words of every subcommand.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/flags.hpp"

namespace sockx {

struct CompletedCommand {
  std::string name, summary;
  std::unique_ptr<Flags> flags;
  Run keeps_targets;  // that the flags refer to
};

/// The prefixes of a relay's ends.
struct EndPrefixes {
  std::vector<std::string> all;     // as they are offered: "tls:", "exec"
  std::vector<std::string> paths;   // what follows is a path: "file:"
  std::vector<std::string> nested;  // what follows is an endpoint: "tls:"
};

/// Names of socket options.
struct OptionNames {
  std::vector<std::string> full;   // "TCP_NODELAY"
  std::vector<std::string> brief;  // "nodelay", where only one can be meant

  std::vector<std::string> all() const {
    auto names = full;
    names.insert(names.end(), brief.begin(), brief.end());
    return names;
  }
};

struct CompletionModel {
  std::vector<CompletedCommand> commands;
  Flags globals;
  EndPrefixes ends;
  OptionNames stream_options;    // that can be set on a stream socket
  OptionNames any_options;       // that can be set on a socket
  OptionNames readable_options;  // that can be read
};

std::string bash_completion(const CompletionModel& model);
std::string zsh_completion(const CompletionModel& model);
std::string fish_completion(const CompletionModel& model);

/// The kind of the word at `index`, counted from 0; ValueKind::none behind the last.
ValueKind kind_of_word(const WordsRow& words, std::size_t index);
/// "file_or_host", as the scripts call it.
std::string name_of(ValueKind kind);

}  // namespace sockx
