#include "os/terminal.hpp"

#include <sys/ioctl.h>

#include "base/text.hpp"

namespace sockx {

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
