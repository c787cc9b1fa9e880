#include "os/terminal_mode.hpp"

// The kernel's own structure has any speed, and not only those of <termios.h>, with which it does not go
// together.
#include <asm/termbits.h>
#include <sys/ioctl.h>

#include <array>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/before_death.hpp"
#include "os/calls.hpp"
#include "os/observer.hpp"
#include "os/standard_streams.hpp"

namespace sockx {

namespace {

struct Speed {
  std::uint32_t bits;
  tcflag_t code;
};
/// Other programs know these by their code only.
constexpr std::array usual_speeds{
    Speed{50, B50},           Speed{75, B75},           Speed{110, B110},         Speed{134, B134},
    Speed{150, B150},         Speed{200, B200},         Speed{300, B300},         Speed{600, B600},
    Speed{1200, B1200},       Speed{1800, B1800},       Speed{2400, B2400},       Speed{4800, B4800},
    Speed{9600, B9600},       Speed{19200, B19200},     Speed{38400, B38400},     Speed{57600, B57600},
    Speed{115200, B115200},   Speed{230400, B230400},   Speed{460800, B460800},   Speed{500000, B500000},
    Speed{576000, B576000},   Speed{921600, B921600},   Speed{1000000, B1000000}, Speed{1152000, B1152000},
    Speed{1500000, B1500000}, Speed{2000000, B2000000}, Speed{2500000, B2500000}, Speed{3000000, B3000000},
    Speed{3500000, B3500000}, Speed{4000000, B4000000}};

tcflag_t code_of(std::uint32_t speed) {
  for (const auto& usual : usual_speeds)
    if (usual.bits == speed) return usual.code;
  return BOTHER;
}

termios2 settings_of(int fd) {
  termios2 settings{};
  const int result = ioctl(fd, TCGETS2, &settings);
  observe_call("ioctl", result, "{}, TCGETS2", fd);
  if (result != 0) throw_errno("TCGETS2");
  return settings;
}

void set(int fd, const termios2& settings) {
  const int result = uninterrupted([&] { return ioctl(fd, TCSETS2, &settings); });
  observe_call("ioctl", result, "{}, TCSETS2", fd);
  if (result != 0) throw_errno("TCSETS2");
}

/// Drops what has been typed and not been read.
void set_and_flush(int fd, const termios2& settings) {
  const int result = uninterrupted([&] { return ioctl(fd, TCSETSF2, &settings); });
  observe_call("ioctl", result, "{}, TCSETSF2", fd);
  if (result != 0) throw_errno("TCSETSF2");
}

/// As cfmakeraw(3) does it.
void set_raw(termios2& settings) {
  settings.c_iflag &=
      ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
}

constexpr auto all_of_mode = static_cast<tcflag_t>(CSIZE | PARENB | PARODD | CSTOPB | CMSPAR);

tcflag_t mode_flags(const SerialLine& line) {
  constexpr std::array<tcflag_t, 4> sizes{CS5, CS6, CS7, CS8};
  tcflag_t flags = sizes[line.data_bits - 5];
  if (line.stop_bits == 2) flags |= CSTOPB;
  if (line.parity != SerialLine::Parity::none) flags |= PARENB;
  if (line.parity == SerialLine::Parity::odd) flags |= PARODD;
  return flags;
}

void apply(const SerialLine& line, termios2& settings) {
  using Flow = SerialLine::Flow;
  settings.c_cflag &= ~(all_of_mode | static_cast<tcflag_t>(CRTSCTS));
  settings.c_cflag |= mode_flags(line) | CLOCAL | CREAD;
  settings.c_iflag &= ~static_cast<tcflag_t>(IXOFF | IXANY);
  if (line.flow == Flow::rts_cts) settings.c_cflag |= CRTSCTS;
  if (line.flow == Flow::xon_xoff) settings.c_iflag |= IXON | IXOFF;
  if (!line.speed) return;
  settings.c_cflag &= ~static_cast<tcflag_t>(CBAUD | CIBAUD);  // no speed of its own for the input
  settings.c_cflag |= code_of(*line.speed);
  settings.c_ispeed = settings.c_ospeed = *line.speed;
}

/// The call succeeds when the device has taken any of it.
void check_kept(const SerialLine& line, const termios2& kept, const std::string& name) {
  if ((kept.c_cflag & all_of_mode) != mode_flags(line))
    throw BadInput(text("'mode={}': {} does not support it", line.mode(), name));
  const bool has_rts_cts = (kept.c_cflag & CRTSCTS) != 0;
  if (has_rts_cts != (line.flow == SerialLine::Flow::rts_cts))
    throw BadInput(text("'flow=rtscts': {} does not support it", name));
  const auto speed = line.speed.value_or(kept.c_ospeed);
  const auto difference = kept.c_ospeed > speed ? kept.c_ospeed - speed : speed - kept.c_ospeed;
  if (difference > speed / 32)  // the receiver would lose a bit in each byte
    throw BadInput(text("'speed={}': {} does not support it, the nearest is {}", speed, name, kept.c_ospeed));
}

}  // namespace

struct TerminalMode::State {
  explicit State(int terminal) : fd(terminal), before(settings_of(terminal)), during(before) {}

  static void restore(const void* state) {
    const auto& mode = *static_cast<const State*>(state);
    if (!is_in_background(mode.fd)) ioctl(mode.fd, TCSETS2, &mode.before);
  }

  int fd;
  bool is_line = false;
  termios2 before, during;
  std::optional<BeforeDeath> undo = {};
};

TerminalMode::TerminalMode(int fd, Keys keys) : state_(std::make_unique<State>(fd)) {
  if (keys == Keys::raw)
    set_raw(state_->during);
  else
    state_->during.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
  state_->undo.emplace(&State::restore, state_.get());
  try {
    if (keys == Keys::raw)
      set(fd, state_->during);
    else
      set_and_flush(fd, state_->during);
  } catch (...) {
    state_->undo.reset();
    throw;
  }
}

TerminalMode::TerminalMode(int fd, const SerialLine& line, const std::string& name)
    : state_(std::make_unique<State>(fd)) {
  set_raw(state_->during);
  apply(line, state_->during);
  state_->is_line = true;
  state_->undo.emplace(&State::restore, state_.get());
  try {
    set(fd, state_->during);
    check_kept(line, settings_of(fd), name);
  } catch (...) {
    State::restore(state_.get());
    throw;
  }
}

/// A line may still be sending its last bytes, with its speed: that is waited for (TCSETSW).
TerminalMode::~TerminalMode() {
  const bool is_restored = state_->is_line && ioctl(state_->fd, TCSETSW2, &state_->before) == 0;
  if (!is_restored) State::restore(state_.get());
}

void TerminalMode::renew() const {
  if (!is_in_background(state_->fd)) ioctl(state_->fd, TCSETS2, &state_->during);
}

void SerialLine::parse_mode(const std::string& word) {
  const auto wrong = [&word] {
    return BadInput(text(
        "'{}': say data bits (5 to 8), parity (N, E or O: none, even, odd) and stop bits (1 or 2), like 8N1",
        word));
  };
  if (word.size() != 3) throw wrong();
  const char bits = word[0], letter = word[1], stop = word[2];
  if (bits < '5' || bits > '8' || (stop != '1' && stop != '2')) throw wrong();
  data_bits = static_cast<unsigned>(bits - '0');
  stop_bits = static_cast<unsigned>(stop - '0');
  switch (letter) {
    case 'N':
    case 'n':
      parity = Parity::none;
      break;
    case 'E':
    case 'e':
      parity = Parity::even;
      break;
    case 'O':
    case 'o':
      parity = Parity::odd;
      break;
    default:
      throw wrong();
  }
}

std::string SerialLine::mode() const {
  constexpr std::string_view letters = "NEO";
  return text("{}{}{}", data_bits, letters[static_cast<std::size_t>(parity)], stop_bits);
}

void make_raw(int master) {
  auto settings = settings_of(master);
  set_raw(settings);
  set(master, settings);
}

void take_for_utf8(int master) {
  auto settings = settings_of(master);
  settings.c_iflag |= IUTF8;
  set(master, settings);
}

void drop_unsent(int fd) {
  const int result = ioctl(fd, TCFLSH, TCOFLUSH);
  observe_call("ioctl", result, "{}, TCFLSH, TCOFLUSH", fd);
}

}  // namespace sockx
