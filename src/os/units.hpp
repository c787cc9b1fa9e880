// Numbers with a unit behind them, as users type them.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sockx {

struct Unit {
  std::string_view name;
  double factor;
};

/// A decimal number that is not negative, with one of the units behind it; nothing for anything else.
std::optional<double> parse_with_unit(std::string_view word, std::span<const Unit> units);

/// "250ms", "2s", "1.5m", "1h", or bare seconds. Throws BadInput.
std::chrono::nanoseconds parse_duration(const std::string& word);

}  // namespace sockx
