// Terminal: a pseudo-terminal, for what a program does differently where a user sits.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "os/bytes.hpp"
#include "peer.hpp"
#include "process.hpp"

namespace test {

/// What is typed is not echoed, and output comes as it was written.
class Terminal {
 public:
  explicit Terminal(unsigned short columns = 80) : ours_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    Peer::check(ours_.get(), "posix_openpt");
    Peer::check(grantpt(ours_.get()) | unlockpt(ours_.get()), "unlockpt");
    char name[64];
    Peer::check(ptsname_r(ours_.get(), name, sizeof name), "ptsname_r");
    theirs_ = UniqueFd(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    Peer::check(theirs_.get(), "open");
    termios settings{};
    Peer::check(tcgetattr(theirs_.get(), &settings), "tcgetattr");
    settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    Peer::check(tcsetattr(theirs_.get(), TCSANOW, &settings), "tcsetattr");
    resize(columns);
  }
  void resize(unsigned short columns) {
    const winsize size{24, columns, 0, 0};
    Peer::check(ioctl(ours_.get(), TIOCSWINSZ, &size), "TIOCSWINSZ");
  }
  /// A standard stream on it.
  Stdio stream() const { return Stdio::given(theirs_.get()); }
  void type(const std::string& keys) { Peer::check(write(ours_.get(), keys.data(), keys.size()), "write"); }
  /// Everything shown so far, waiting until it contains `words`.
  const std::string& shown_with(const std::string& words) {
    eventually("the terminal shows: " + words, [&] {
      read_some();
      return shown_.find(words) != std::string::npos;
    });
    return shown_;
  }
  const std::string& shown() {
    read_some();
    return shown_;
  }
  void forget() { shown_.clear(); }
  std::string path() const {
    char name[64];
    Peer::check(ttyname_r(theirs_.get(), name, sizeof name), "ttyname_r");
    return name;
  }
  termios settings() const {
    termios settings{};
    Peer::check(tcgetattr(theirs_.get(), &settings), "tcgetattr");
    return settings;
  }
  bool is_raw() const { return (settings().c_lflag & (ICANON | ISIG)) == 0; }

 private:
  void read_some() {
    for (int waiting = 0; ioctl(ours_.get(), FIONREAD, &waiting) == 0 && waiting > 0;) {
      char buffer[4096];
      const auto got = read(ours_.get(), buffer, sizeof buffer);
      Peer::check(got, "read");
      shown_.append(buffer, static_cast<std::size_t>(got));
    }
  }

  UniqueFd ours_, theirs_;
  std::string shown_;
};

}  // namespace test
