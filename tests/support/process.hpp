// Process: a program under test, or a peer of one, with its standard streams in the test's hands.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "os/unique_fd.hpp"

namespace test {

using sockx::UniqueFd;
using namespace std::chrono_literals;

/// How long a test waits for what should happen at once, on a machine that is busy.
constexpr std::chrono::seconds patience{60};

/// Calls `happened` again and again until it is true. Throws when that takes longer than `patience`. For what
/// no descriptor tells: an entry of /proc, a file that appears.
template <class Condition>
void eventually(std::string_view what, Condition happened) {
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (!happened()) {
    if (std::chrono::steady_clock::now() > limit)
      throw std::runtime_error(std::string("waited in vain: ").append(what));
    std::this_thread::sleep_for(1ms);
  }
}

/// What a standard stream of the child is.
struct Stdio {
  enum class Kind { pipe, closed, given } kind;
  std::shared_ptr<UniqueFd> fd;

  /// The test holds the other end.
  static Stdio pipe() { return {Kind::pipe, nullptr}; }
  static Stdio closed() { return {Kind::closed, nullptr}; }
  static Stdio null() { return file("/dev/null", O_RDWR); }
  static Stdio file(const std::string& path, int flags);
  static Stdio input(const std::string& path) { return file(path, O_RDONLY); }
  static Stdio output(const std::string& path) { return file(path, O_WRONLY | O_CREAT | O_TRUNC); }
  /// A duplicate of `fd`, which stays the caller's.
  static Stdio given(int fd);
};

/// How a process ended: by itself with a status, or by a signal.
struct End {
  int status = -1, signal = 0;
  friend bool operator==(const End&, const End&) = default;
  friend std::ostream& operator<<(std::ostream& stream, const End& end) {
    return end.signal != 0 ? stream << "killed by signal " << end.signal : stream << "status " << end.status;
  }
};
constexpr End exited(int status) { return {status, 0}; }
constexpr End killed_by(int signal) { return {-1, signal}; }

/// Everything that comes out of a pipe, read by a thread so that the child never waits for the test.
class Collector {
 public:
  explicit Collector(UniqueFd fd);
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  ~Collector() { join(); }
  std::string text() const;
  std::size_t size() const;
  /// The first line, from `position` on, that contains `words`; `position` moves behind it. Throws when it
  /// does not come.
  std::string line_with(std::string_view words, std::size_t& position);
  /// Whether nobody holds the other end any more.
  bool has_ended() const;
  /// Until then.
  void join();

 private:
  void collect();
  UniqueFd fd_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  bool ended_ = false;
  std::thread thread_;
};

/// Dropping it kills the process, with all that it started, and reaps it.
class Process {
 public:
  struct Options {
    Stdio in = Stdio::null(), out = Stdio::pipe(), err = Stdio::pipe();
    std::vector<std::string> environment = {};  // "NAME=VALUE", beside what the test has
    std::string folder = {};                    // to run in; empty for the test's own
    std::vector<int> inherited = {};            // descriptors that keep their numbers
    std::string terminal = {};                  // that controls it; empty for the test's own
  };

  explicit Process(std::vector<std::string> words) : Process(std::move(words), Options()) {}
  Process(std::vector<std::string> words, const Options& options);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  std::string command() const;

  /// To its standard input, when that is a pipe. feed() writes on a thread, then closes.
  void write(std::string_view bytes);
  void feed(std::string bytes);
  void close_input() { input_.reset(); }
  int input() const { return input_.get(); }

  /// The next line of the stream that contains `words`, waiting for it.
  std::string out_line(std::string_view words = "") { return out_->line_with(words, out_seen_); }
  std::string err_line(std::string_view words = "") { return err_->line_with(words, err_seen_); }
  /// Whether err_line() would not wait.
  bool has_err_line() const { return err_->text().find('\n', err_seen_) != std::string::npos; }
  /// What has come so far; all of it after wait().
  std::string out() const { return out_ ? out_->text() : ""; }
  std::string err() const { return err_ ? err_->text() : ""; }
  std::size_t out_size() const { return out_ ? out_->size() : 0; }
  bool out_has_ended() const { return !out_ || out_->has_ended(); }

  /// Its end; throws when that does not come in time.
  End wait(std::chrono::milliseconds limit = patience);
  bool is_running() const;
  /// After wait(): whether processes that it started were still there; they have been killed.
  bool left_others() const { return left_others_; }
  void signal(int number) const;

  /// While it runs.
  std::size_t open_descriptors() const;
  /// The most memory that it has had resident, in KiB, while it runs: what wait4(2) tells at the end includes
  /// the test's own before exec.
  std::size_t peak_memory() const;

 private:
  std::vector<std::string> words_;
  pid_t pid_ = -1;
  UniqueFd pid_fd_, input_;
  std::unique_ptr<Collector> out_, err_;
  std::size_t out_seen_ = 0, err_seen_ = 0;
  std::thread feeder_;
  bool reaped_ = false, left_others_ = false;
  End end_;
};

/// Whether the shell would find the program.
bool is_installed(const std::string& program);

}  // namespace test
