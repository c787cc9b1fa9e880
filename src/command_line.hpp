// The command line as a whole: global options, the choice of the subcommand, and answers to what is misspelt.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

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

class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();
  /// Reads the words after the program's name. Returns the text to print when --help or --version asked for
  /// it. Throws BadInput for whatever is not understood.
  std::optional<std::string> parse(std::vector<std::string> words);

  GlobalOptions globals;
  Run run;                           // of the subcommand named
  std::vector<std::string> program;  // what follows `--` after --exec

 private:
  void cut_off_program(std::vector<std::string>& words);
  void check_first_word(const std::vector<std::string>& words) const;
  void throw_if_of_subcommand(const std::string& word) const;
  [[noreturn]] void throw_unexpected(const std::string& word) const;
  std::string named_command() const;
  std::optional<bool> takes_value(const std::string& command, const std::string& option) const;
  const CLI::App& chosen() const;
  std::string name_of_chosen() const;
  Flags global_flags_, flags_;  // of all commands, and of the one that was named
  std::unique_ptr<CLI::App> app_;
  std::vector<std::string> typed_;   // without the program of --exec
  std::string exec_without_dashes_;  // what to say of that, if it turns out to be wrong
};

}  // namespace sockx
