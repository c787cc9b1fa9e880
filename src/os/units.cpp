#include "os/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

std::optional<double> parse_with_unit(std::string_view word, std::span<const Unit> units) {
  double number = 0;
  const char* const end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0 || word.front() == '-') return {};
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  for (const auto& [name, factor] : units)
    if (name == unit) return number * factor;
  return {};
}

std::chrono::nanoseconds parse_duration(const std::string& word) {
  constexpr std::array units{Unit{"", 1}, Unit{"s", 1}, Unit{"ms", 1e-3}, Unit{"m", 60}, Unit{"h", 3600}};
  const auto value = parse_with_unit(word, units);
  if (!value)
    throw BadInput(text("'{}': a duration is a number with ms, s, m or h, like 250ms or 1.5m", word));
  constexpr double most = 3600.0 * 24 * 365 * 100;
  return std::chrono::ceil<std::chrono::nanoseconds>(std::chrono::duration<double>(std::min(*value, most)));
}

}  // namespace sockx
