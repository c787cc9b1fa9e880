#include "base/shell_word.hpp"

namespace sockx {

std::string in_single_quotes(std::string_view word) {
  std::string quoted = "'";
  for (const char letter : word) quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + '\'';
}

}  // namespace sockx
