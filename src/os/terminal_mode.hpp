// TerminalMode: the settings of a terminal (termios(3)), changed for a while.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/non_copyable.hpp"

namespace sockx {

/// How a serial line carries bytes.
struct SerialLine {
  enum class Parity { none, even, odd };
  enum class Flow { none, rts_cts, xon_xoff };
  std::optional<std::uint32_t> speed;  // bits a second; without it the line keeps the speed that it has
  unsigned data_bits = 8, stop_bits = 1;
  Parity parity = Parity::none;
  Flow flow = Flow::none;

  /// Sets bits and parity by a word like 8N1. Throws BadInput.
  void parse_mode(const std::string& word);
  /// "8N1"
  std::string mode() const;
};

/// Changes the settings of a terminal and restores them at the end, also when a signal ends the process, but
/// not while another job is in its foreground: then the shell has restored them. Borrows `fd`.
class TerminalMode : NonCopyable {
 public:
  enum class Keys {
    raw,     // raw mode: cfmakeraw(3)
    hidden,  // lines as before, and ^C too, but without echo. What was typed before is dropped
  };
  /// For a terminal at which a user sits. Throws Error.
  explicit TerminalMode(int fd, Keys keys = Keys::raw);
  /// Raw mode for a serial line, without regard to modem control (CLOCAL); `name` is for messages. Throws
  /// Error, and BadInput for settings that the device does not keep.
  TerminalMode(int fd, const SerialLine& line, const std::string& name);
  ~TerminalMode();
  /// Sets the mode again, if no other job is in the foreground: a shell has changed it while this process was
  /// stopped.
  void renew() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Raw mode for the other side of a pseudo-terminal, given its master. Throws Error.
void make_raw(int master);
/// What programs on the other side erase are whole characters of UTF-8 (IUTF8). Throws Error.
void take_for_utf8(int master);
/// Drops what has been written to a terminal and not been sent (TCOFLUSH), so that closing it does not wait.
void drop_unsent(int fd);

}  // namespace sockx
