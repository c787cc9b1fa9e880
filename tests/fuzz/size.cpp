// Sizes: what is accepted is a plain decimal number with a unit, exact where it is whole.
#include <cmath>

#include "base/units.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

/// Bytes, read in another way; nothing for what is no size.
std::optional<long double> reference(const std::string& word) {
  auto quantity = fuzz::quantity_of(word);
  if (!quantity) return {};
  auto& [number, unit] = *quantity;
  if (unit.ends_with('B')) unit.pop_back();
  if (unit == "k") unit = "K";
  const bool is_binary = unit.size() == 2 && unit[1] == 'i';
  const auto power = unit.empty() ? 0 : std::string("KMGT").find(unit[0]) + 1;
  if (unit.size() > (is_binary ? 2 : 1) || (power == 0 && !unit.empty())) return {};
  return number * std::pow(is_binary ? 1024.0L : 1000.0L, static_cast<long double>(power));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto word = fuzz::word_of(data, size);
  if (word.size() > 300) return 0;  // its number need not fit a double
  const auto bytes = fuzz::accepted(word, [&] { return parse_size(word); });
  const auto wanted = reference(word);
  if (!bytes) assert(!wanted || *wanted > 8.9e18L);
  if (!bytes) return 0;
  assert(wanted && *wanted < 9.1e18L);
  const bool is_whole = word.find_first_not_of("0123456789B") == std::string::npos;
  const auto tolerance = is_whole ? 0 : 0.5L + *wanted * 1e-15L;
  assert(std::abs(static_cast<long double>(*bytes) - *wanted) <= tolerance);
  return 0;
}
