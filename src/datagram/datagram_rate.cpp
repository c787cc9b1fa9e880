#include "datagram/datagram_rate.hpp"

#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/units.hpp"

namespace sockx {

DatagramRate parse_datagram_rate(const std::string& word) {
  static constexpr std::array units{Unit{"pps", 1}, Unit{"kpps", 1e3}, Unit{"Mpps", 1e6}};
  DatagramRate rate;
  if (word.ends_with("pps"))
    rate.datagrams = parse_with_unit(word, units).value_or(0);
  else
    rate.bytes = static_cast<double>(parse_size(word));
  if (!rate.is_set())
    throw BadInput(
        text("'{}': a rate is datagrams a second, like 200kpps, or bytes a second, like 50MiB", word));
  return rate;
}

}  // namespace sockx
