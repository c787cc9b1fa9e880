// Words as lists, numbers and hexadecimal digits.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// What stands between the commas: always at least one word, of which any may be empty.
std::vector<std::string> split_list(const std::string& list);

/// Whether a list with a blank between its words has this one.
bool is_among(std::string_view word, std::string_view list);

/// Whether a word is digits from 0 to 9, at least one.
inline bool is_all_digits(std::string_view word) {
  return !word.empty() &&
         std::ranges::all_of(word, [](char letter) { return letter >= '0' && letter <= '9'; });
}

/// The number that the whole word is; nothing for anything else, and for one that does not fit.
template <class Number>
std::optional<Number> number_in(std::string_view word, int base = 10) {
  Number number{};
  const auto* const end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, number, base);
  if (error != std::errc() || rest != end) return {};
  return number;
}

/// "7f000001": two digits a byte, with `between` from byte to byte.
std::string hexadecimal(std::string_view bytes, std::string_view between = {});

/// The bytes that pairs of digits stand for; nothing for anything else. One of `separators` may stand between
/// two bytes.
std::optional<std::string> parse_hexadecimal(std::string_view digits, std::string_view separators = {});

}  // namespace sockx
