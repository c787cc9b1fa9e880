#define FMT_HEADER_ONLY
#include "os/text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "os/digits.hpp"
#include "os/hexadecimal.hpp"
#include "os/unsafe_text.hpp"

namespace sockx {

namespace {

/// The bytes of the character of UTF-8 that the text begins with; 0 when it begins with none.
std::size_t size_of_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool is_too_long = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool is_surrogate = first == 0xed && byte(1) >= 0xa0;
  const bool is_too_large = first == 0xf4 && byte(1) >= 0x90;
  return is_too_long || is_surrogate || is_too_large ? 0 : size;
}

/// Those of Unicode that order or break lines.
bool moves_text(std::string_view character) {
  if (character == "\xd8\x9c") return true;  // U+061C
  if (!character.starts_with("\xe2\x80") && !character.starts_with("\xe2\x81")) return false;
  const auto last = static_cast<unsigned char>(character[2]);
  if (character[1] == '\x81') return last >= 0xa6 && last <= 0xa9;        // U+2066 to U+2069
  return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae);  // U+200E ... U+202E
}

}  // namespace

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

Character first_character(std::string_view text) {
  const auto size = size_of_character(text);
  if (size == 0) return {1, false};
  return {size, control_character_at(text, 0) == 0 && !moves_text(text.substr(0, size))};
}

std::string one_line(std::string_view message) {
  return transform_unsafe(message, [](std::string_view) { return '?'; });
}

std::string several_lines(std::string_view page) {
  return transform_unsafe(page, [](std::string_view character) {
    return character == "\n" || character == "\t" ? character.front() : '?';
  });
}

std::string escaped(std::string_view name) {
  const auto escape = [](std::string_view character) {
    std::string bytes;
    for (const char byte : character) bytes += "\\x" + hexadecimal({&byte, 1});
    return bytes;
  };
  return transform_unsafe(name, escape, "\\");
}

std::string unescaped(std::string_view name) {
  constexpr std::size_t length = 4;  // of \xHH
  std::string bytes;
  bytes.reserve(name.size());
  while (!name.empty()) {
    const auto byte = name.starts_with("\\x") && name.size() >= length
                          ? number_in<unsigned char>(name.substr(2, 2), 16)
                          : std::nullopt;
    bytes += byte ? static_cast<char>(*byte) : name.front();
    name.remove_prefix(byte ? length : 1);
  }
  return bytes;
}

}  // namespace sockx
