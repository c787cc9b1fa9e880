#define FMT_HEADER_ONLY
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/unsafe_text.hpp"
#include "base/words.hpp"

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

struct Range {
  char32_t first, last;
};

/// Those that order or break lines, and those that nobody sees: Default_Ignorable_Code_Point of Unicode.
constexpr auto unsafe_ranges = std::to_array<Range>({{0xad, 0xad},
                                                     {0x34f, 0x34f},
                                                     {0x61c, 0x61c},
                                                     {0x115f, 0x1160},
                                                     {0x17b4, 0x17b5},
                                                     {0x180e, 0x180e},
                                                     {0x200b, 0x200f},
                                                     {0x2028, 0x202e},
                                                     {0x2060, 0x206f},
                                                     {0x3164, 0x3164},
                                                     {0xfeff, 0xfeff},
                                                     {0xffa0, 0xffa0},
                                                     {0xfff0, 0xfffb},
                                                     {0x1bca0, 0x1bca3},
                                                     {0x1d173, 0x1d17a},
                                                     {0xe0000, 0xe00ff},
                                                     {0xe01f0, 0xe0fff}});

/// What is well in a text, but not in a name: blanks, variation selectors, and the backslash.
constexpr auto unfit_for_names = std::to_array<Range>({{' ', ' '},
                                                       {'\\', '\\'},
                                                       {0xa0, 0xa0},
                                                       {0x1680, 0x1680},
                                                       {0x180b, 0x180f},
                                                       {0x2000, 0x200a},
                                                       {0x202f, 0x202f},
                                                       {0x205f, 0x205f},
                                                       {0x2800, 0x2800},
                                                       {0x3000, 0x3000},
                                                       {0xfe00, 0xfe0f},
                                                       {0xe0100, 0xe01ef}});

bool is_in(std::span<const Range> ranges, char32_t point) {
  return std::ranges::any_of(
      ranges, [point](const Range& range) { return point >= range.first && point <= range.last; });
}

std::string hexadecimal_escape(std::string_view bytes) {
  std::string escape;
  for (const char byte : bytes) escape += "\\x" + hexadecimal({&byte, 1});
  return escape;
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
  if (size == 1) return {1, control_character_at(text, 0) == 0};
  return {size,
          control_character_at(text, 0) == 0 && !is_in(unsafe_ranges, code_point(text.substr(0, size)))};
}

char32_t code_point(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  char32_t point = byte(0);
  if (character.size() > 1) point &= 0x7fU >> character.size();
  for (std::size_t i = 1; i < character.size(); ++i) point = point << 6U | (byte(i) & 0x3fU);
  return point;
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
  return transform_unsafe(name, hexadecimal_escape, [](std::string_view character) {
    return is_in(unfit_for_names, code_point(character));
  });
}

std::string escaped(std::string_view name, std::string_view also) {
  return transform_unsafe(name, hexadecimal_escape, [also](std::string_view character) {
    return also.find(character) != std::string_view::npos;
  });
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
