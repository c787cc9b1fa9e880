// The exit statuses of all subcommands, and how a failure becomes one.
#pragma once

#include <exception>
#include <string>

namespace sockx {

/// See "EXIT STATUS" in sockx(1). After a death by signal n the shell shows 128+n.
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
  tls = 12,
  proxy = 13,
};

/// A failure as the user sees it.
struct Failure {
  ExitCode status = ExitCode::other_failure;
  std::string message;    // one line
  int error = 0;          // the errno, where there was one
  std::string name = {};  // of the error: "ECONNREFUSED", "EAI_NONAME"; empty where it has none
};

/// The option or command for a setting (base/error.hpp): "--source" for "source", "sockx connect --scan" for
/// "scan".
std::string flag_of(const std::string& setting);

/// Describes any exception that a command can throw. `word_of` translates the settings that it names.
Failure describe_failure(std::exception_ptr thrown, std::string (*word_of)(const std::string&) = flag_of);
/// Whether the reader of standard output has gone: the process then dies by SIGPIPE.
bool is_broken_standard_output(std::exception_ptr thrown);

}  // namespace sockx
