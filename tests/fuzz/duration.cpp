// Durations: what is accepted is a plain decimal number with a unit, and as long as that says.
#include <cmath>
#include <regex>

#include "cli/units.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

/// Seconds, read in another way; nothing for what is no duration.
std::optional<long double> reference(const std::string& word) {
  static const std::regex form(R"(([0-9]+\.?[0-9]*|\.[0-9]+)(ms|s|m|h|))");
  std::smatch parts;
  if (!std::regex_match(word, parts, form)) return {};
  const auto unit = parts[2].str();
  const long double factor = unit == "ms" ? 1e-3L : unit == "m" ? 60 : unit == "h" ? 3600 : 1;
  return std::strtold(parts[1].str().c_str(), nullptr) * factor;
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
  assert(!show_duration(*span).empty());
  return 0;
}
