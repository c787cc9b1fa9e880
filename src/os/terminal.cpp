#include "os/terminal.hpp"

#include <sys/ioctl.h>

namespace sockx {

std::optional<std::size_t> terminal_columns(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return size.ws_col;
}

std::string fitted(std::string text, std::size_t columns) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto is_continuation = [&](std::size_t at) { return (byte(at) & 0xc0U) == 0x80U; };
  for (std::size_t at = 0, used = 0; at < text.size();) {
    used += byte(at) < 0x80 ? 1 : 2;
    if (used > columns) {
      text.resize(at);
      break;
    }
    do ++at;
    while (at < text.size() && is_continuation(at));
  }
  return text;
}

}  // namespace sockx
