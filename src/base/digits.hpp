// Words that are numbers, digit by digit and whole.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace sockx {

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

}  // namespace sockx
