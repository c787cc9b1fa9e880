// Ends that are terminals: a new pseudo-terminal for another program, and a serial line.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "os/before_death.hpp"
#include "os/calls.hpp"
#include "os/observer.hpp"
#include "os/pseudo_terminal.hpp"
#include "serve/ends/relay_end.hpp"

namespace sockx {

namespace {

constexpr auto refused = Origin::local_address;  // as for what cannot be opened or bound

/// A symbolic link that was made here; removed at the end, if it still leads there.
class Link : NonCopyable {
 public:
  Link(std::string path, std::string target)
      : path_(std::move(path)), target_(std::move(target)), undo_(&Link::remove, this) {
    const int result = symlink(target_.c_str(), path_.c_str());
    observe_call("symlink", result, "{}, {}", target_, path_);
    if (result != 0 && errno == EEXIST)
      throw Error(EEXIST, text("link {}: it exists already, and is not replaced", path_), refused);
    if (result != 0) throw_errno(text("link {} to {}", path_, target_), refused);
  }
  ~Link() { remove(this); }

 private:
  static void remove(const void* what) {
    const auto& link = *static_cast<const Link*>(what);
    std::array<char, 64> now{};  // longer than any path of a terminal
    const auto size = readlink(link.path_.c_str(), now.data(), now.size());
    if (size >= 0 && std::string_view(now.data(), static_cast<std::size_t>(size)) == link.target_)
      unlink(link.path_.c_str());
  }

  std::string path_, target_;
  BeforeDeath undo_;
};

class OpenTerminal : public OpenEnd {
 public:
  explicit OpenTerminal(Stream stream) : stream_(std::move(stream)) {}
  Duplex duplex() override {
    return {.in = stream_, .out = stream_, .reader_may_leave = true, .is_terminal = true};
  }
  /// It never ends by itself, and so a signal is the usual end.
  bool is_whole_when_silent() const override { return true; }

 protected:
  const Stream& stream() const { return stream_; }

 private:
  Stream stream_;
};

class OpenPty final : public OpenTerminal {
 public:
  OpenPty(Stream stream, const std::string& path, const std::string& link) : OpenTerminal(std::move(stream)) {
    if (!link.empty()) link_.emplace(link, path);
  }

 private:
  std::optional<Link> link_;
};

class Pty final : public RelayEnd {
 public:
  explicit Pty(PtyEnd options) : options_(std::move(options)) {}

  Task<std::unique_ptr<OpenEnd>> open(OpenedFor) override {
    auto& loop = co_await this_loop();
    auto terminal = open_pseudo_terminal();
    make_raw(terminal.master.get());
    const auto& name = options_.link.empty() ? terminal.path : options_.link;
    const auto hang_up = options_.link.empty() ? Descriptor::HangUp::end : Descriptor::HangUp::pause;
    auto facts = describe_terminal(terminal.master.get(), name, Origin::local_file, hang_up);
    Stream stream(loop, std::move(terminal.master), std::move(facts));
    auto opened = std::make_unique<OpenPty>(std::move(stream), terminal.path, options_.link);
    options_.tell(terminal.path);
    co_return opened;
  }
  bool never_ends() const override { return true; }

 private:
  PtyEnd options_;
};

/// Another program at the same line would get a part of the bytes. Advisory, because TIOCEXCL would also lock
/// out stty(1), and outlive this process while anybody has the line open.
void lock(int fd, const std::string& path) {
  const int result = flock(fd, LOCK_EX | LOCK_NB);
  observe_call("flock", result, "{}, LOCK_EX|LOCK_NB", fd);
  if (result != 0 && errno == EWOULDBLOCK)
    throw Error(EBUSY, text("open {}: another program has locked it", path), refused);
  if (result != 0) throw_errno(text("flock {}", path), refused);
}

class OpenSerial final : public OpenTerminal {
 public:
  OpenSerial(Stream stream, const SerialLine& line)
      : OpenTerminal(std::move(stream)), mode_(this->stream().facts().fd, line, this->stream().name()) {}
  /// close(2) would wait for what the line does not take.
  ~OpenSerial() override {
    if (unacknowledged(stream().facts()).value_or(0) > 0) drop_unsent(stream().facts().fd);
  }

 private:
  TerminalMode mode_;  // restored while the line is open
};

class Serial final : public RelayEnd {
 public:
  /// Throws Error for a device that is not there or may not be used. It is not opened: that changes its
  /// lines.
  Serial(std::string path, SerialLine line) : path_(std::move(path)), line_(line) {
    if (faccessat(AT_FDCWD, path_.c_str(), R_OK | W_OK, AT_EACCESS) != 0)
      throw_errno(text("open {}", path_), refused);
  }

  Task<std::unique_ptr<OpenEnd>> open(OpenedFor) override {
    auto& loop = co_await this_loop();
    UniqueFd fd(::open(path_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    observe_call("open", fd.get(), "{}, O_RDWR|O_NOCTTY|O_NONBLOCK", path_);
    if (!fd) throw_errno(text("open {}", path_), refused);
    if (isatty(fd.get()) == 0)
      throw BadInput(
          text("'tty:{0}': {0} is no terminal: say the device of a serial line, like /dev/ttyS0", path_));
    lock(fd.get(), path_);
    auto facts = describe_terminal(fd.get(), path_, Origin::local_file, Descriptor::HangUp::end);
    Stream stream(loop, std::move(fd), std::move(facts));
    co_return std::make_unique<OpenSerial>(std::move(stream), line_);
  }
  bool never_ends() const override { return true; }

 private:
  std::string path_;
  SerialLine line_;
};

}  // namespace

std::unique_ptr<RelayEnd> make_pty_end(PtyEnd options) { return std::make_unique<Pty>(std::move(options)); }

std::unique_ptr<RelayEnd> make_serial_end(std::string path, SerialLine line) {
  return std::make_unique<Serial>(std::move(path), line);
}

}  // namespace sockx
