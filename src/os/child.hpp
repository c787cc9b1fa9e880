// Child: another process that works for us.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "os/unique_fd.hpp"

namespace sockx {

/// A child process with a pipe to us as its standard output, and /dev/null as its standard input and error.
/// Dropping it kills and reaps it; it also dies when we do. Its signals are as a shell would give them:
/// SIGPIPE kills.
class Child {
 public:
  /// Runs `program`, a path, with `arguments`. Throws Error when no process can be made; a program that
  /// cannot be run exits with 127.
  Child(const std::string& program, std::vector<std::string> arguments);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// The reading end of its standard output, non-blocking; to be taken once.
  UniqueFd take_output() { return std::move(output_); }

 private:
  pid_t pid_ = -1;
  UniqueFd output_;
};

/// The path by which this very program can be started again.
std::string own_program();

}  // namespace sockx
