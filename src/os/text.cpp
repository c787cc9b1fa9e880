#define FMT_HEADER_ONLY
#include "os/text.hpp"

#include <fmt/format.h>

namespace sockx {

std::string format_text(fmt::string_view format, fmt::format_args arguments) {
  return fmt::vformat(format, arguments);
}

std::string one_line(std::string message) {
  for (char& letter : message)
    if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') letter = '?';
  return message;
}

}  // namespace sockx
