// Program: a child process that a connection is joined to.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/relay.hpp"
#include "flow/stream.hpp"
#include "flow/task_group.hpp"
#include "net/stream/connection.hpp"
#include "os/child.hpp"

namespace sockx {

/// What is run: words as they are, or one command for /bin/sh.
struct ProgramCall {
  std::vector<std::string> words;
  std::string shell_command;         // if not empty, instead
  bool has_terminal = false;         // of its own, which leads its session
  int window_of = -1;                // the terminal whose window size that takes over, if this is one
  std::size_t descriptor_limit = 0;  // as in Child::Options
  bool is_given() const { return !words.empty() || !shell_command.empty(); }
};

/// The variables that tell a program whom it works for.
std::vector<std::string> peer_environment(const Address& peer, const Address& local,
                                          std::string_view protocol, const std::string& tls_subject = {});

class Program {
 public:
  /// Starts it; its environment has the addresses of the connection, if there is one: SOCKX_PEER_ADDR and so
  /// on. Throws Error.
  Program(EventLoop& loop, const ProgramCall& call, const Connection* connection);
  /// The same with other variables, NAME=VALUE.
  Program(EventLoop& loop, const ProgramCall& call, std::vector<std::string> environment);

  /// Its standard output and input, or its terminal, as an end of a relay: it may stop reading. Borrows from
  /// this.
  Duplex duplex();
  const std::string& name() const { return name_; }
  /// Becomes readable when it has ended, until wait().
  int end_fd() const { return child_->end_fd(); }
  /// The window that its terminal takes the size of may have changed.
  void follow_window() const;

  struct End {
    ChildEnd how;
    bool in_time = true;       // else it has been terminated
    bool was_cut_off = false;  // the session's end came first
  };
  /// Closes its streams and waits for its end: one that was still writing has `grace` for that, another has
  /// until `limit`; then it is terminated.
  Task<End> wait(Duration grace, Deadline limit);
  /// Closes its streams and gives the child away; null where wait() has seen its end.
  std::unique_ptr<Child> release();

 private:
  void start_on_pipes(EventLoop& loop, const ProgramCall& call, Child::Options options);
  void start_on_terminal(EventLoop& loop, const ProgramCall& call, Child::Options options);

  std::string name_;
  int window_of_;
  std::unique_ptr<Child> child_;          // until its end has been seen
  std::optional<Stream> output_, input_;  // a terminal is both, as output_
};

/// Ends programs that are not needed any more: each has a second after SIGTERM, while the loop goes on.
/// `place` is kept until the program has ended.
class ProgramEnder {
 public:
  explicit ProgramEnder(EventLoop& loop) : ending_(loop) {}
  void end(std::unique_ptr<Child> child, std::shared_ptr<void> place);

 private:
  TaskGroup ending_;
};

}  // namespace sockx
