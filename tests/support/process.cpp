#include "process.hpp"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "os/pipe.hpp"

extern char** environ;

namespace test {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
  UniqueFd read_end, write_end;
};

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Ours, with `added` in place of what has the same name.
std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  auto all = added;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view ours(*entry);
    const auto name = ours.substr(0, ours.find('=') + 1);
    bool replaced = false;
    for (const auto& other : added) replaced |= other.starts_with(name);
    if (!replaced) all.emplace_back(ours);
  }
  return all;
}

}  // namespace

Stdio Stdio::file(const std::string& path, int flags) {
  const int opened = open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (opened < 0) fail(path);
  return {Kind::given, std::make_shared<UniqueFd>(opened)};
}

Stdio Stdio::given(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) fail("dup");
  return {Kind::given, std::make_shared<UniqueFd>(copy)};
}

Collector::Collector(UniqueFd fd) : fd_(std::move(fd)), thread_([this] { collect(); }) {}

void Collector::collect() {
  std::array<char, 64 * 1024> buffer;
  ssize_t got = 0;
  while ((got = read(fd_.get(), buffer.data(), buffer.size())) > 0) {
    const std::lock_guard lock(mutex_);
    text_.append(buffer.data(), static_cast<std::size_t>(got));
    changed_.notify_all();
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

std::string Collector::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

std::size_t Collector::size() const {
  const std::lock_guard lock(mutex_);
  return text_.size();
}

bool Collector::has_ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::string Collector::line_with(std::string_view words, std::size_t& position) {
  std::unique_lock lock(mutex_);
  const auto limit = std::chrono::steady_clock::now() + patience;
  for (;;) {
    for (auto end = text_.find('\n', position); end != std::string::npos; end = text_.find('\n', position)) {
      const auto line = text_.substr(position, end - position);
      position = end + 1;
      if (line.find(words) != std::string::npos) return line;
    }
    if (ended_ || changed_.wait_until(lock, limit) == std::cv_status::timeout)
      throw std::runtime_error("no line with '" + std::string(words) + "' in: " + text_);
  }
}

void Collector::join() {
  if (thread_.joinable()) thread_.join();
}

Process::Process(std::vector<std::string> words, const Options& options) : words_(std::move(words)) {
  ::signal(SIGPIPE, SIG_IGN);  // a write to a child that is gone is EPIPE
  std::array<UniqueFd, 3> theirs;
  std::array<int, 3> numbers;
  const std::array wanted{&options.in, &options.out, &options.err};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]->kind == Stdio::Kind::pipe) {
      auto [read_end, write_end] = make_pipe();
      theirs[i] = std::move(i == 0 ? read_end : write_end);
      if (i == 0) input_ = std::move(write_end);
      if (i == 1) out_ = std::make_unique<Collector>(std::move(read_end));
      if (i == 2) err_ = std::make_unique<Collector>(std::move(read_end));
    }
    numbers[i] = wanted[i]->fd ? wanted[i]->fd->get() : theirs[i].get();
  }
  auto environment = environment_with(options.environment);
  const auto argv = pointers_to(words_);
  const auto envp = pointers_to(environment);

  auto [executed, not_yet] = make_pipe();  // ends when the child has become the program
  pid_ = fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {  // only what is safe beside other threads
    if (options.terminal.empty())
      setpgid(0, 0);
    else
      setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
    for (int i = 0; i < 3; ++i) {
      const int number = numbers[static_cast<std::size_t>(i)];
      if (number < 0)
        close(i);
      else
        dup2(number, i);
    }
    if (!options.terminal.empty())
      open(options.terminal.c_str(), O_RDWR | O_CLOEXEC);  // controls it from now on
    for (const int number : options.inherited) fcntl(number, F_SETFD, 0);
    if (options.folder.empty() || chdir(options.folder.c_str()) == 0)
      execvpe(argv[0], argv.data(), envp.data());
    [[maybe_unused]] const auto told = ::write(not_yet.get(), &errno, sizeof errno);
    _exit(127);
  }
  not_yet.reset();
  const bool failed = read(executed.get(), &errno, sizeof errno) > 0;
  if (failed) waitpid(pid_, nullptr, 0);
  if (failed) fail("run " + command());
  pid_fd_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (!pid_fd_) fail("pidfd_open");
}

Process::~Process() {
  kill(-pid_, SIGKILL);
  if (!reaped_) waitpid(pid_, nullptr, 0);
  input_.reset();
  if (feeder_.joinable()) feeder_.join();
}

std::string Process::command() const {
  std::ostringstream line;
  for (const auto& word : words_) line << word << ' ';
  return line.str();
}

void Process::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = ::write(input_.get(), bytes.data(), bytes.size());
    if (put < 0) fail("write to " + command());
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

void Process::feed(std::string bytes) {
  feeder_ = std::thread([fd = std::move(input_), bytes = std::move(bytes)] {
    for (std::size_t done = 0; done < bytes.size();) {
      const auto put = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
      if (put < 0) return;  // the child is gone, and the test will see how
      done += static_cast<std::size_t>(put);
    }
  });
}

bool Process::is_running() const {
  pollfd entry{pid_fd_.get(), POLLIN, 0};
  return !reaped_ && poll(&entry, 1, 0) == 0;
}

End Process::wait(std::chrono::milliseconds limit) {
  if (reaped_) return end_;
  pollfd entry{pid_fd_.get(), POLLIN, 0};
  if (poll(&entry, 1, static_cast<int>(limit.count())) != 1)
    throw std::runtime_error("still running: " + command() + "\nstdout: " + out().substr(0, 2000) +
                             "\nstderr: " + err());
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) fail("waitpid");
  reaped_ = true;
  end_ = WIFSIGNALED(status) ? killed_by(WTERMSIG(status)) : exited(WEXITSTATUS(status));
  left_others_ = kill(-pid_, SIGKILL) == 0;  // they would hold the pipes
  if (out_) out_->join();
  if (err_) err_->join();
  return end_;
}

void Process::signal(int number) const {
  if (!reaped_ && kill(pid_, number) != 0) fail("kill");
}

std::size_t Process::open_descriptors() const {
  const std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid_) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
}

std::size_t Process::peak_memory() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib;
  }
  throw std::runtime_error(command() + "has no memory any more");
}

bool is_installed(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((folder + '/' + program).c_str(), X_OK) == 0) return true;
  return false;
}

}  // namespace test
