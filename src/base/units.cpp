#include "base/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

std::optional<double> parse_with_unit(std::string_view word, std::span<const Unit> units) {
  // strtod() because from_chars() for a double would have the program load libm (see CMakeLists.txt).
  const std::string digits(word.substr(0, word.find_first_not_of("0123456789.")));
  char* rest = nullptr;
  const double number = std::strtod(digits.c_str(), &rest);
  if (rest == digits.c_str() || !std::isfinite(number)) return {};
  const auto unit = word.substr(static_cast<std::size_t>(rest - digits.c_str()));
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

std::uint64_t parse_size(const std::string& word) {
  static constexpr std::array units{Unit{"", 1},
                                    Unit{"k", 1e3},
                                    Unit{"K", 1e3},
                                    Unit{"M", 1e6},
                                    Unit{"G", 1e9},
                                    Unit{"T", 1e12},
                                    Unit{"Ki", 1024},
                                    Unit{"Mi", 1048576},
                                    Unit{"Gi", 1073741824},
                                    Unit{"Ti", 1.099511627776e12}};
  std::string_view without_b = word;
  if (word.size() > 1 && word.ends_with('B')) without_b.remove_suffix(1);
  const auto value = parse_with_unit(without_b, units);
  if (!value)
    throw BadInput(
        text("'{}': a size is a number of bytes with k, M, G, T, Ki, Mi, Gi or Ti, like 64Ki or 10M", word));
  if (*value > 9e18) throw BadInput(text("'{}': a size is at most 9e18 bytes", word));
  const char* const end = without_b.data() + without_b.size();
  std::uint64_t exact = 0;  // a double holds 53 bits; a plain number is read whole
  const auto [rest, error] = std::from_chars(word.data(), end, exact);
  if (error == std::errc() && rest == end) return exact;
  const auto whole = static_cast<std::uint64_t>(*value);
  return *value - static_cast<double>(whole) < 0.5 ? whole : whole + 1;  // llround() would load libm
}

}  // namespace sockx
