// in_child(): what would change this whole process is done in another.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace test {

/// How a child process ended.
struct Fate {
  int status = 0;  // of waitpid(2)
  bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
  bool died_by(int signal) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }
};

/// Runs `action`, which returns an exit status, in a forked child. A child that takes longer than a
/// minute dies by SIGALRM.
template <class Action>
Fate in_child(Action action) {
  std::fflush(nullptr);  // the child inherits what is buffered, and would write it too
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);
    try {
      _exit(action());
    } catch (...) {
      _exit(99);
    }
  }
  Fate end;
  REQUIRE(waitpid(child, &end.status, 0) == child);
  return end;
}

}  // namespace test
