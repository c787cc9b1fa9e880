#include "os/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/signals.hpp"

namespace sockx {

namespace {

/// In the child, where nothing may be allocated any more.
[[noreturn]] void become(const char* program, char* const* arguments, int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  restore_signals_that_calls_report();
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDERR_FILENO);
  dup2(output, STDOUT_FILENO);
  fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) & ~O_NONBLOCK);
  execv(program, arguments);
  _exit(127);
}

}  // namespace

Child::Child(const std::string& program, std::vector<std::string> arguments) {
  auto pipe = make_pipe(0);
  if (!pipe) throw_errno("pipe2");
  arguments.insert(arguments.begin(), program);
  std::vector<char*> words;
  for (auto& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw_errno("fork");
  if (pid_ == 0) become(program.c_str(), words.data(), pipe->write_end.get());
  output_ = std::move(pipe->read_end);
}

Child::~Child() {
  kill(pid_, SIGKILL);
  uninterrupted([&] { return waitpid(pid_, nullptr, 0); });
}

std::string own_program() { return "/proc/self/exe"; }

}  // namespace sockx
