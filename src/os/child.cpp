#include "os/child.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/calls.hpp"
#include "os/descriptor_limit.hpp"
#include "os/pipe.hpp"
#include "os/signals.hpp"

namespace sockx {

namespace {

/// Pointers into `words`, as exec(3) takes them.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> whole_environment(const std::vector<std::string>& added) {
  const auto is_replaced = [&](std::string_view variable) {
    const auto name = variable.substr(0, variable.find('=') + 1);
    for (const auto& other : added)
      if (other.starts_with(name)) return true;
    return false;
  };
  auto all = added;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!is_replaced(*variable)) all.emplace_back(*variable);
  return all;
}

/// What the child needs once nothing may be allocated any more.
struct Birth {
  char* const* words;
  char* const* environment;
  int input, output;  // -1 for /dev/null
  int terminal;       // -1 for none
  bool shares_error, leads_group, dies_with_us;
  std::size_t descriptor_limit;  // 0 for ours
  int failure;                   // a pipe that tells why the program could not be run
};

[[noreturn]] void give_up(const Birth& birth) {
  const int number = errno;
  [[maybe_unused]] const auto written = write(birth.failure, &number, sizeof number);
  _exit(127);
}

/// A program with streams that it was not meant to have would read and write what is not its business.
void use_as(const Birth& birth, int number, int fd) {
  if (dup2(fd, number) < 0) give_up(birth);
}

void use_as_blocking(const Birth& birth, int number, int fd) {
  use_as(birth, number, fd);
  fcntl(number, F_SETFL, fcntl(number, F_GETFL) & ~O_NONBLOCK);
}

void lead_session(const Birth& birth) {
  if (setsid() < 0 || ioctl(birth.terminal, TIOCSCTTY, 0) != 0) give_up(birth);
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) use_as(birth, number, birth.terminal);
  for (const int number : {SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU}) signal(number, SIG_DFL);
}

void take_pipes(const Birth& birth) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) give_up(birth);
  use_as_blocking(birth, STDIN_FILENO, birth.input >= 0 ? birth.input : null);
  use_as_blocking(birth, STDOUT_FILENO, birth.output);
  if (!birth.shares_error) use_as(birth, STDERR_FILENO, null);
}

[[noreturn]] void become(const Birth& birth) {
  if (birth.leads_group) setpgid(0, 0);
  if (birth.dies_with_us) prctl(PR_SET_PDEATHSIG, SIGKILL);
  restore_signals_that_calls_report();
  if (birth.terminal >= 0)
    lead_session(birth);
  else
    take_pipes(birth);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);  // what we have inherited is not its business either
  if (birth.descriptor_limit != 0) set_descriptor_limit(birth.descriptor_limit);
  execvpe(birth.words[0], birth.words, birth.environment);
  give_up(birth);
}

Pipe needed_pipe() {
  auto made = make_pipe(0);
  if (!made) throw_errno("pipe2");
  return std::move(*made);
}

}  // namespace

std::string ChildEnd::to_string() const {
  if (WIFSIGNALED(status))
    return text("was killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return text("exited with status {}", WEXITSTATUS(status));
}

Child::Child(std::vector<std::string> words, Options options)
    : leads_group_(options.leads_group || options.terminal >= 0) {
  auto environment = whole_environment(options.environment);
  const auto word_pointers = pointers_to(words), variables = pointers_to(environment);
  auto failure = needed_pipe();
  Pipe input, output;
  if (options.terminal < 0) output = needed_pipe();
  if (options.takes_input) input = needed_pipe();
  const Birth birth{.words = word_pointers.data(),
                    .environment = variables.data(),
                    .input = input.read_end.get(),
                    .output = output.write_end.get(),
                    .terminal = options.terminal,
                    .shares_error = options.shares_error,
                    .leads_group = options.leads_group,
                    .dies_with_us = options.dies_with_us,
                    .descriptor_limit = options.descriptor_limit,
                    .failure = failure.write_end.get()};
  pid_ = fork();
  if (pid_ < 0) throw_errno("fork");
  if (pid_ == 0) become(birth);
  end_fd_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  const int no_pidfd = end_fd_ ? 0 : errno;

  failure.write_end.reset();
  fcntl(failure.read_end.get(), F_SETFL, 0);
  int number = 0;  // nothing comes when exec(3) has closed the other end
  const auto got = uninterrupted([&] { return read(failure.read_end.get(), &number, sizeof number); });
  if (no_pidfd != 0) kill(pid_, SIGKILL);
  if (no_pidfd != 0 || got > 0) reap();
  if (got > 0) throw Error(number, text("exec {}", words[0]), Origin::local_file);
  if (no_pidfd != 0) throw Error(no_pidfd, "pidfd_open");
  input_ = std::move(input.write_end);
  output_ = std::move(output.read_end);
}

ChildEnd Child::reap() {
  ChildEnd end;
  uninterrupted([&] { return waitpid(pid_, &end.status, 0); });
  pid_ = -1;
  return end;
}

void Child::send(int signal) const { kill(leads_group_ ? -pid_ : pid_, signal); }

std::chrono::steady_clock::time_point Child::ask_to_end() {
  if (!asked_until_) {
    send(SIGTERM);
    asked_until_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  }
  return *asked_until_;
}

ChildEnd Child::terminate() {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  const auto left = std::chrono::ceil<milliseconds>(ask_to_end() - steady_clock::now());
  const auto patience = static_cast<int>(std::max(left, milliseconds::zero()).count());
  pollfd ended{end_fd_.get(), POLLIN, 0};
  if (uninterrupted([&] { return poll(&ended, 1, patience); }) == 0) send(SIGKILL);
  return reap();
}

Child::~Child() {
  input_.reset();
  output_.reset();
  if (pid_ >= 0) terminate();
}

std::string own_program() { return "/proc/self/exe"; }

}  // namespace sockx
