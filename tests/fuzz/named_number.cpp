// The constants of the C headers: what is accepted has a name that means the same, and flags are joined.
#include <algorithm>

#include "net/address/names.hpp"
#include "support.hpp"

using namespace sockx;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto word = fuzz::word_of(data, size);
  for (const auto* const table : {&address_families, &socket_types, &ip_protocols, &eai_errors}) {
    const auto number = fuzz::accepted(word, [&] { return table->parse(word); });
    if (number) assert(*number < 0 || table->parse(table->name_of(*number)) == *number);
  }
  for (const auto* const table : {&ai_flags, &ni_flags}) {
    const auto flags = fuzz::accepted(word, [&] { return table->parse_flags(word); });
    if (!flags) continue;
    auto names = table->names_of(*flags);
    std::replace(names.begin(), names.end(), '|', ',');
    assert(table->parse_flags(names) == *flags);
  }
  return 0;
}
