// Numbers of byteorder: what is accepted fits its width, and is what strtoull(3) reads.
#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "net/address/byte_order.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

void check(const std::string& word, Width width) {
  const auto value = fuzz::accepted(word, [&] { return parse_unsigned(word, width); });
  if (!value) return;
  const auto bits = static_cast<unsigned>(width);
  assert(bits == 64 || *value >> bits == 0);
  const bool has_prefix = word.size() > 2 && word[0] == '0' && (word[1] < '0' || word[1] > '9');
  const int base = !has_prefix ? 10 : (word[1] | 0x20) == 'x' ? 16 : (word[1] | 0x20) == 'o' ? 8 : 2;
  errno = 0;
  assert(std::strtoull(word.c_str() + (has_prefix ? 2 : 0), nullptr, base) == *value && errno == 0);
  assert(swap_to_network_order(swap_to_network_order(*value, width), width) == *value);
  auto network = bytes_in_memory(*value, width);
  std::reverse(network.begin(), network.end());
  const bool is_other_order = bytes_in_memory(1, width).front() == 1;
  if (is_other_order) assert(bytes_in_memory(swap_to_network_order(*value, width), width) == network);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto word = fuzz::word_of(data, size);
  for (const auto width : {Width::bits_16, Width::bits_32, Width::bits_64}) check(word, width);
  return 0;
}
