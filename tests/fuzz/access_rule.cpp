// Access rules: a network that is understood is shown as a rule that means the same, and contains what a
// plain comparison of bits says.
#include "net/stream/access_rule.hpp"

#include <algorithm>
#include <cstring>

#include "net/address/numeric_address.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

bool same(const Network& a, const Network& b) {
  return a.family == b.family && a.bytes == b.bytes && a.scope == b.scope && a.prefix == b.prefix;
}

/// Bit by bit, in another way than sockx does.
bool begins_alike(const Network& network, const Network& whole) {
  for (unsigned bit = 0; bit < network.prefix; ++bit) {
    const auto mask = 0x80U >> bit % 8;
    if ((network.bytes[bit / 8] & mask) != (whole.bytes[bit / 8] & mask)) return false;
  }
  return network.family == whole.family && (network.scope == 0 || network.scope == whole.scope);
}

}  // namespace

/// A rule, and perhaps a NUL and an address.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto words = fuzz::words_of(data, size);
  const auto rule = fuzz::accepted(words[0], [&] { return parse_access_rule(words[0]); });
  if (!rule) return 0;
  if (const auto* host = std::get_if<HostName>(&*rule)) {
    assert(host->name == words[0] && !numeric_address(host->name));
    assert(host->name.find_first_of("/:% \t#,") == std::string::npos);
  }
  const auto* const network = std::get_if<Network>(&*rule);
  if (network == nullptr) return 0;
  assert(network->prefix <= (network->family == AF_INET ? 32U : 128U));
  assert(same(std::get<Network>(parse_access_rule(network->to_string())), *network));
  if (words.size() < 2) return 0;
  const auto address = numeric_address(words[1]);
  if (address) assert(network->contains(*address) == begins_alike(*network, Network(*address)));
  return 0;
}
