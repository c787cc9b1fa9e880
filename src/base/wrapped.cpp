#include "base/wrapped.hpp"

#include <algorithm>

namespace sockx {

std::string wrapped(std::string_view text, std::size_t column, std::size_t indent, std::size_t width) {
  std::string lines;
  bool is_first = true;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \n", at)) != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(" \n", at), text.size());
    const auto word = text.substr(at, end - at);
    if (!is_first && column + 1 + word.size() > width) {
      lines += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (!is_first) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
    is_first = false;
    at = end;
  }
  return lines;
}

}  // namespace sockx
