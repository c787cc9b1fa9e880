// The whole command line: global options, the choice of the subcommand, and messages about misspelt words.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/non_copyable.hpp"
#include "cli/command.hpp"
#include "cli/flags.hpp"
#include "cli/log.hpp"

namespace CLI {
class App;
}

namespace sockx {

enum class Color { automatic, on, off };

struct GlobalOptions {
  int verbosity = 0;
  bool quiet = false, trace = false, json = false;
  std::string events_file, log_file;
  std::optional<LogLevel> log_level;
  Color color = Color::automatic;
};

/// Their targets are in `globals`.
void declare_global_flags(Flags& flags, GlobalOptions& globals);

class CommandLine : NonCopyable {
 public:
  /// `words` are those after the program's name.
  explicit CommandLine(std::vector<std::string> words);
  ~CommandLine();
  /// Whether an option is among the words, those of a program left out.
  bool mentions(std::string_view option) const;
  /// Reads the words. Returns the text to print when --help or --version asked for it. Throws BadInput for
  /// words that it does not understand.
  std::optional<std::string> parse();

  GlobalOptions globals;
  Run run;  // of the subcommand named

 private:
  void cut_off_program();
  void add_command(const Command& command);
  const Command* checked_first_word(const std::vector<std::string>& words) const;
  void throw_if_of_subcommand(const std::string& word) const;
  void refuse_explanation() const;
  [[noreturn]] void throw_for_value(const std::string& message) const;
  [[noreturn]] void throw_unexpected(const std::string& word) const;
  std::string named_command() const;
  std::optional<bool> takes_value(const std::string& command, const std::string& option) const;
  const CLI::App& chosen() const;
  std::string name_of_chosen() const;
  std::vector<std::string> typed_;    // all words but those of program_
  std::vector<std::string> program_;  // what follows `--` after --exec
  std::string exec_without_dashes_;   // the message for --exec without `--`, if parsing fails
  Flags global_flags_, flags_;        // of all commands, and of the one that was named
  std::unique_ptr<CLI::App> app_;
};

}  // namespace sockx
