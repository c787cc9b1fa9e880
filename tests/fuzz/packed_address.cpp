// Addresses as text and as bytes: exactly what inet_aton(3) and inet_pton(3) take, and the way there and
// back.
#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/words.hpp"
#include "net/address/byte_order.hpp"
#include "net/address/numeric_address.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

void check_loose(const std::string& word) {
  in_addr wanted{};
  const bool is_taken = inet_aton(word.c_str(), &wanted) != 0;
  const auto packed = fuzz::accepted(word, [&] { return text_to_packed_loosely(word); });
  assert(packed.has_value() == is_taken);
  if (!packed) return;
  assert(*packed == std::string(reinterpret_cast<const char*>(&wanted), sizeof wanted));
  assert(text_to_packed_loosely(packed_to_dotted(hexadecimal(*packed))) == *packed);
}

void check_strict(const std::string& word, int family) {
  in6_addr wanted{};
  const bool is_taken = inet_pton(family, word.c_str(), &wanted) == 1;
  const auto packed = fuzz::accepted(word, [&] { return text_to_packed(word, family); });
  assert(packed.has_value() == is_taken);
  if (!packed) return;
  assert(packed->size() == (family == AF_INET ? 4 : 16));
  for (const auto* const between : {"", " ", ":"})
    assert(text_to_packed(packed_to_text(hexadecimal(*packed, between), family), family) == *packed);
}

void check_bytes(const std::string& word) {
  for (const int family : {AF_INET, AF_INET6, AF_UNSPEC}) {
    const auto shown = fuzz::accepted(word, [&] { return packed_to_text(word, family); });
    if (shown) assert(!text_to_packed(*shown, AF_UNSPEC).empty());
  }
  fuzz::accepted(word, [&] { return packed_to_dotted(word); });
}

void check_with_port(const std::string& word) {
  const auto named = fuzz::accepted(word, [&] { return parse_address(word); });
  if (!named) return;
  const auto again = parse_address(named->address.to_string());
  assert(again.has_port && again.address.port() == named->address.port());
  assert(again.address.host() == named->address.host());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto word = fuzz::word_of(data, size);
  check_loose(word);
  check_strict(word, AF_INET);
  check_strict(word, AF_INET6);
  check_bytes(word);
  check_with_port(word);
  return 0;
}
