// Durations: what is accepted is a plain decimal number with a unit, and as long as that says.
#include <cmath>
#include <map>

#include "base/units.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

/// Seconds, read in another way; nothing for what is no duration.
std::optional<long double> reference(const std::string& word) {
  static const std::map<std::string, long double> factors{
      {"", 1}, {"ms", 1e-3L}, {"s", 1}, {"m", 60}, {"h", 3600}};
  const auto quantity = fuzz::quantity_of(word);
  const auto factor = factors.find(quantity ? quantity->unit : "?");
  if (factor == factors.end()) return {};
  return quantity->number * factor->second;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto word = fuzz::word_of(data, size);
  if (word.size() > 300) return 0;  // its number need not fit a double
  const auto span = fuzz::accepted(word, [&] { return parse_duration(word); });
  const auto wanted = reference(word);
  assert(span.has_value() == wanted.has_value());
  if (!span) return 0;
  constexpr long double century = 3600.0L * 24 * 365 * 100;
  const auto nanoseconds = std::min(*wanted, century) * 1e9L;
  assert(std::abs(static_cast<long double>(span->count()) - nanoseconds) <= 1 + nanoseconds * 1e-15L);
  assert((span->count() > 0) == (*wanted > 0));  // a limit that somebody has set is never "at once"
  return 0;
}
