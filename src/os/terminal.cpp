#include "os/terminal.hpp"

#include <sys/ioctl.h>

#include "base/text.hpp"
#include "os/observer.hpp"

namespace sockx {

std::optional<WindowSize> window_size(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return WindowSize{size.ws_row, size.ws_col};
}

void set_window_size(int fd, WindowSize size) {
  const winsize given{size.rows, size.columns, 0, 0};
  const int result = ioctl(fd, TIOCSWINSZ, &given);
  observe_call("ioctl", result, "{}, TIOCSWINSZ, [{} rows, {} columns]", fd, size.rows, size.columns);
}

std::optional<std::size_t> terminal_columns(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return size.ws_col;
}

std::string fitted(std::string text, std::size_t columns) {
  for (std::size_t at = 0, used = 0; at < text.size();) {
    used += static_cast<unsigned char>(text[at]) < 0x80 ? 1 : 2;
    if (used > columns) {
      text.resize(at);
      break;
    }
    at += first_character(std::string_view(text).substr(at)).size;
  }
  return text;
}

}  // namespace sockx
