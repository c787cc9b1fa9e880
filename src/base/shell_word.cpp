#include "base/shell_word.hpp"

#include "base/text.hpp"

namespace sockx {

namespace {

std::string escape_of(char byte) {
  return byte == '\n' ? "\\n" : text("\\{:03o}", static_cast<unsigned char>(byte));
}

std::string in_dollar_quotes(std::string_view word) {
  std::string quoted = "$'";
  while (!word.empty()) {
    const auto [size, is_safe] = first_character(word);
    const auto character = word.substr(0, size);
    word.remove_prefix(size);
    if (!is_safe)
      for (const char byte : character) quoted += escape_of(byte);
    else if (character == "'" || character == "\\")
      (quoted += '\\') += character;
    else
      quoted += character;
  }
  return quoted + '\'';
}

}  // namespace

std::string in_single_quotes(std::string_view word) {
  std::string quoted = "'";
  for (const char letter : word) quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + '\'';
}

std::string quoted_for_shell(std::string_view word) {
  constexpr auto harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,@%+=-";
  const bool is_plain = !word.empty() && word.find_first_not_of(harmless) == std::string_view::npos;
  if (is_plain) return std::string(word);
  return one_line(word) == word ? in_single_quotes(word) : in_dollar_quotes(word);
}

}  // namespace sockx
