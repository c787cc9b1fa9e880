#include "datagram/pace.hpp"

#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/units.hpp"

namespace sockx {

Pace parse_pace(const std::string& word) {
  static constexpr std::array units{Unit{"pps", 1}, Unit{"kpps", 1e3}, Unit{"Mpps", 1e6}};
  Pace pace;
  if (word.ends_with("pps"))
    pace.datagrams = parse_with_unit(word, units).value_or(0);
  else
    pace.bytes = static_cast<double>(parse_size(word));
  if (!pace.is_set())
    throw BadInput(
        text("'{}': a rate is datagrams a second, like 200kpps, or bytes a second, like 50MiB", word));
  return pace;
}

}  // namespace sockx
