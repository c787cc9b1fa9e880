// The exit status of every subcommand, and the one place that derives it from a failure.
#pragma once

#include <exception>
#include <string>

namespace sockx {

/// The table of sockx(1), "EXIT STATUS". A death by signal n is seen by the shell as 128+n.
enum class ExitCode {
  done = 0,
  other_failure = 1,
  usage = 2,
  name_not_resolved = 3,
  refused = 4,
  timed_out = 5,
  unreachable = 6,
  reset_by_peer = 7,
  cannot_bind_or_open = 8,
  incomplete = 9,
  integrity_mismatch = 10,
  local_io = 11,
};

/// A failure in the words and numbers that the user gets.
struct Failure {
  ExitCode status = ExitCode::other_failure;
  std::string message;    // one line
  int error = 0;          // the errno, where there was one
  std::string name = {};  // of the error: "ECONNREFUSED", "EAI_NONAME"; empty where it has none
};

/// What sockx calls a setting (base/error.hpp) on its command line: "source" is --source, "scan" is sockx
/// connect --scan.
std::string flag_of(const std::string& setting);

/// Reads any exception that a command can throw. `word_of` gives the words for the settings that it names.
Failure describe_failure(std::exception_ptr thrown, std::string (*word_of)(const std::string&) = flag_of);
/// Whether it only says that the reader of standard output has gone, which is death by SIGPIPE.
bool is_broken_standard_output(std::exception_ptr thrown);

}  // namespace sockx
