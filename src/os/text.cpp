#define FMT_HEADER_ONLY
#include "os/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sockx {

std::string format_text(fmt::string_view format, fmt::format_args arguments) {
  return fmt::vformat(format, arguments);
}

std::string counted(std::uint64_t number, std::string_view word) {
  if (number == 1) return text("1 {}", word);
  const bool is_sibilant = word.ends_with('s') || word.ends_with('x') || word.ends_with("ch");
  if (is_sibilant) return text("{} {}es", number, word);
  const bool has_vowel =
      word.size() > 1 && std::string_view("aeiou").find(word[word.size() - 2]) != word.npos;
  if (word.ends_with('y') && !has_vowel) return text("{} {}ies", number, word.substr(0, word.size() - 1));
  return text("{} {}s", number, word);
}

std::size_t control_character_at(std::string_view text, std::size_t offset) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (byte(offset) < ' ' || byte(offset) == 0x7f) return 1;
  const bool is_c1 = byte(offset) == 0xc2 && offset + 1 < text.size() && (byte(offset + 1) & 0xe0) == 0x80;
  return is_c1 ? 2 : 0;
}

std::string one_line(std::string message) {
  std::string safe;
  safe.reserve(message.size());
  for (std::size_t i = 0; i < message.size();) {
    const auto size = control_character_at(message, i);
    safe += size > 0 ? '?' : message[i];
    i += std::max<std::size_t>(size, 1);
  }
  return safe;
}

}  // namespace sockx
