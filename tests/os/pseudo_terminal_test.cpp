#include "os/pseudo_terminal.hpp"

#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <string>

#include "../support/descriptors.hpp"
#include "os/bytes.hpp"
#include "os/terminal.hpp"
#include "os/terminal_mode.hpp"

using namespace sockx;
using namespace test;

namespace {

using State = IoResult::State;

Descriptor described(const PseudoTerminal& terminal, Descriptor::HangUp hang_up) {
  return describe_terminal(terminal.master.get(), "it", Origin::local_file, hang_up);
}

State read_state(const Descriptor& from) {
  std::byte byte;
  return read_some(from, {&byte, 1}).state;
}

}  // namespace

TEST_CASE("pseudo-terminal: both sides are one terminal, which nobody's session has") {
  const auto terminal = open_pseudo_terminal();
  const auto other = open_other_side(terminal);
  char name[64];
  REQUIRE(ttyname_r(other.get(), name, sizeof name) == 0);
  CHECK(terminal.path == name);
  CHECK((status_flags(terminal.master.get()) & O_NONBLOCK) != 0);
  CHECK((status_flags(other.get()) & O_NONBLOCK) == 0);
  for (const auto* const fd : {&terminal.master, &other})
    CHECK((fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(tcgetsid(other.get()) == -1);
  set_window_size(terminal.master.get(), {30, 100});
  const auto size = window_size(other.get());
  REQUIRE(size);
  CHECK(size->rows == 30);
  CHECK(size->columns == 100);
  make_raw(terminal.master.get());
  put(terminal.master.get(), "\x03 \r");
  std::string bytes(3, '\0');
  for (std::size_t got = 0; got < bytes.size();) {
    const auto more = read(other.get(), bytes.data() + got, bytes.size() - got);
    REQUIRE(more > 0);
    got += static_cast<std::size_t>(more);
  }
  CHECK(bytes == "\x03 \r");
}

TEST_CASE("pseudo-terminal: when the other side is closed, that is its end or a pause") {
  for (const auto hang_up : {Descriptor::HangUp::end, Descriptor::HangUp::pause}) {
    const bool ends = hang_up == Descriptor::HangUp::end;
    CAPTURE(ends);
    const auto terminal = open_pseudo_terminal();
    make_raw(terminal.master.get());
    const auto ours = described(terminal, hang_up);
    CHECK(look_ahead(ours).state == State::again);
    CHECK(read_state(ours) == State::again);
    auto other = open_other_side(terminal);
    put(other.get(), "x");
    other.reset();
    CHECK(look_ahead(ours).state == State::moved);
    CHECK(read_state(ours) == State::moved);
    CHECK(look_ahead(ours).state == (ends ? State::eof : State::again));
    CHECK(read_state(ours) == (ends ? State::eof : State::again));
    const std::string bytes(1000, 'y');
    std::size_t written = 0;
    const auto fill_it = [&] {
      for (;;) {
        const auto put = write_some(ours, std::as_bytes(std::span(bytes)));
        if (put.state != State::moved) return;
        written += put.bytes;
      }
    };
    if (ends)
      CHECK_THROWS_AS(fill_it(), Error);  // as a pipe without a reader
    else
      fill_it();
    CHECK(written > 0);
  }
}
