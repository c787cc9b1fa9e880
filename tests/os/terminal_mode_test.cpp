#include "os/terminal_mode.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <array>
#include <cstring>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/in_child.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "os/pseudo_terminal.hpp"
#include "os/signals.hpp"

using namespace sockx;
using namespace test;

namespace {

/// A terminal that plays the serial line, and what is at its far end.
struct Line {
  PseudoTerminal far = open_pseudo_terminal();
  UniqueFd near = open_other_side(far);
};

/// struct termios2 of the kernel, whose header does not go together with <termios.h>.
struct Settings {
  std::array<unsigned, 4> flags;
  std::array<unsigned char, 20> line_and_characters;
  unsigned input_speed, output_speed;
  bool operator==(const Settings&) const = default;
};

Settings settings_of(const UniqueFd& fd) {
  Settings settings{};
  REQUIRE(ioctl(fd.get(), _IOR('T', 0x2A, Settings), &settings) == 0);
  return settings;
}

bool is_raw(const UniqueFd& fd) {
  termios settings{};
  REQUIRE(tcgetattr(fd.get(), &settings) == 0);
  return (settings.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) == 0 && (settings.c_oflag & OPOST) == 0 &&
         (settings.c_iflag & (ICRNL | IXON | ISTRIP)) == 0 && settings.c_cc[VMIN] == 1;
}

}  // namespace

TEST_CASE("terminal mode: a terminal is raw while it lives, and as before then") {
  const Line line;
  const auto before = settings_of(line.near);
  {
    const TerminalMode mode(line.near.get());
    CHECK(is_raw(line.near));
    termios other{};
    REQUIRE(tcgetattr(line.near.get(), &other) == 0);
    other.c_lflag |= ICANON | ECHO;
    REQUIRE(tcsetattr(line.near.get(), TCSANOW, &other) == 0);
    mode.renew();
    CHECK(is_raw(line.near));
  }
  CHECK(settings_of(line.near) == before);
}

TEST_CASE("terminal mode: a serial line has the usual speeds, which other programs know, and any other") {
  struct Row {
    unsigned speed;
    speed_t code;  // 0 where there is none
  };
  const Line line;
  const auto before = settings_of(line.near);
  for (const auto& [speed, code] :
       {Row{50, B50}, Row{1200, B1200}, Row{9600, B9600}, Row{115200, B115200}, Row{921600, B921600},
        Row{4000000, B4000000}, Row{12345, 0}, Row{250000, 0}, Row{10000000, 0}}) {
    CAPTURE(speed);
    SerialLine asked;
    asked.speed = speed;
    asked.flow = SerialLine::Flow::xon_xoff;
    {
      const TerminalMode mode(line.near.get(), asked, "the line");
      const auto now = settings_of(line.near);
      CHECK(now.output_speed == speed);
      CHECK(now.input_speed == speed);
      CHECK((now.flags[0] & (IXON | IXOFF)) == (IXON | IXOFF));
      CHECK((now.flags[2] & (CLOCAL | CREAD)) == (CLOCAL | CREAD));
      termios usual{};
      REQUIRE(tcgetattr(line.near.get(), &usual) == 0);
      if (code != 0) CHECK(cfgetospeed(&usual) == code);
    }
    CHECK(settings_of(line.near) == before);
  }
}

TEST_CASE("terminal mode: what the device does not keep is refused, and the line is as before") {
  const Line line;  // it has eight bits without parity, whatever is asked
  const auto before = settings_of(line.near);
  SerialLine asked;
  asked.parse_mode("7E1");
  const auto error =
      thrown_by<BadInput>([&] { const TerminalMode mode(line.near.get(), asked, "the line"); });
  REQUIRE(error);
  CHECK(std::string(error->what()) == "'mode=7E1': the line does not support it");
  CHECK(settings_of(line.near) == before);
}

TEST_CASE("terminal mode: what is no terminal is an error") {
  const auto null = open_null();
  CHECK_THROWS_AS(TerminalMode{null.get()}, Error);
}

TEST_CASE("terminal mode: a signal that nobody catches restores the terminal before it kills") {
  const Line line;
  const auto before = settings_of(line.near);
  for (const int signal : {SIGQUIT, SIGUSR1, SIGALRM}) {
    CAPTURE(signal);
    const auto fate = in_child([&] {
      const TerminalMode mode(line.near.get());
      raise(signal);
      return 0;
    });
    CHECK(fate.died_by(signal));
    CHECK(settings_of(line.near) == before);
  }
  const auto fate = in_child([&] {  // as the second of two does
    const TerminalMode mode(line.near.get());
    die_by_signal(SIGTERM);
    return 0;
  });
  CHECK(fate.died_by(SIGTERM));
  CHECK(settings_of(line.near) == before);
}

TEST_CASE("terminal mode: a child that has been forked restores nothing") {
  const Line line;
  const TerminalMode mode(line.near.get());
  const auto fate = in_child([&] {
    raise(SIGQUIT);
    return 0;
  });
  CHECK(fate.died_by(SIGQUIT));
  CHECK(is_raw(line.near));
}

TEST_CASE("serial line: a mode is data bits, parity and stop bits") {
  for (const std::string word : {"8N1", "7E1", "5O2", "6N2"}) {
    SerialLine line;
    line.parse_mode(word);
    CHECK(line.mode() == word);
  }
  SerialLine line;
  line.parse_mode("7e2");
  CHECK(line.mode() == "7E2");
  for (const std::string word : {"", "8N", "4N1", "9N1", "8X1", "8N0", "8N3", "8N11", "N81", "8 1"}) {
    CAPTURE(word);
    const auto error = thrown_by<BadInput>([&] { line.parse_mode(word); });
    REQUIRE(error);
    CHECK(std::string(error->what()).starts_with("'" + word + "': say data bits"));
  }
}
