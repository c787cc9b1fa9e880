// A terminal's size, and text that fits into a row of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace sockx {

/// In characters.
struct WindowSize {
  unsigned short rows = 24, columns = 80;
};
/// TIOCGWINSZ in ioctl_tty(2); nothing for what is no terminal, or one that does not know.
std::optional<WindowSize> window_size(int fd);
/// TIOCSWINSZ: the foreground programs of the terminal get SIGWINCH when that changes it.
void set_window_size(int fd, WindowSize size);

/// How many columns the terminal has now (TIOCGWINSZ in ioctl_tty(2)); nothing for what is no terminal, or
/// one that does not know.
std::optional<std::size_t> terminal_columns(int fd);

/// The beginning of the text, in UTF-8, that takes no more than `columns`. A character beyond ASCII counts as
/// two, which is the most that one takes.
std::string fitted(std::string text, std::size_t columns);

}  // namespace sockx
