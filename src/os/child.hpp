// Child: another program that works for us.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/non_copyable.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// How a program ended: as waitpid(2) has it.
struct ChildEnd {
  int status = 0;
  bool is_success() const { return status == 0; }
  /// "exited with status 3", "was killed by signal 15 (Terminated)".
  std::string to_string() const;
};

/// A child process with a pipe as its standard output, or on a terminal. Its signals are as a shell would
/// give them (SIGPIPE kills), and it inherits no descriptor but 0, 1 and 2. The destructor terminates it.
class Child : NonCopyable {
 public:
  struct Options {
    bool takes_input = false;   // a pipe from us as its standard input, else /dev/null
    bool shares_error = false;  // our standard error, else /dev/null
    bool leads_group = false;   // of processes that are terminated together
    /// Instead: its standard streams, standard error too, and the controlling terminal of its new session.
    /// The signals of that, such as SIGINT, have their default effect even where they are ignored here.
    int terminal = -1;
    bool dies_with_us = false;  // also when we are killed by SIGKILL: PR_SET_PDEATHSIG in prctl(2)
    std::vector<std::string> environment = {};  // NAME=VALUE, beside our own
    std::size_t descriptor_limit = 0;           // its RLIMIT_NOFILE, where ours is another; 0: the same
  };
  /// Runs the program words[0], sought in PATH as execvp(3) does, with the words as its arguments. Throws
  /// Error, with Origin::local_file when the program cannot be run.
  Child(std::vector<std::string> words, Options options);
  ~Child();

  /// The parent's ends of the pipes, non-blocking; none on a terminal. Each may be taken once.
  UniqueFd take_input() { return std::move(input_); }
  UniqueFd take_output() { return std::move(output_); }
  /// Becomes readable when the child has ended; see pidfd_open(2).
  int end_fd() const { return end_fd_.get(); }
  /// Waits for the end, if it has not come yet.
  ChildEnd reap();
  /// Sends SIGTERM, once; returns the deadline, a second later.
  std::chrono::steady_clock::time_point ask_to_end();
  /// ask_to_end(), waits until it ends or the deadline has passed, and sends SIGKILL then.
  ChildEnd terminate();

 private:
  void send(int signal) const;
  pid_t pid_ = -1;  // -1 once reaped
  bool leads_group_;
  std::optional<std::chrono::steady_clock::time_point> asked_until_;
  UniqueFd input_, output_, end_fd_;
};

/// The path by which this very program can be started again.
std::string own_program();

}  // namespace sockx
