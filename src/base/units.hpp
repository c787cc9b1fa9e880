// Numbers with a unit behind them, as users type them.
#pragma once

#include <chrono>
#include <cstdint>
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

/// Bytes: "4096", "64Ki", "10M", "1.5Gi"; k M G T are powers of 1000, Ki Mi Gi Ti of 1024, a B may follow.
/// Throws BadInput.
std::uint64_t parse_size(const std::string& word);

}  // namespace sockx
