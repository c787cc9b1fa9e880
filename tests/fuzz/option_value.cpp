// Values of socket options of every type: what is encoded is shown in a form that means the same, and
// whatever bytes a kernel may return can be shown. The first byte of the input chooses the type.
#include "net/option/option_value.hpp"

#include "base/words.hpp"
#include "support.hpp"

using namespace sockx;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr auto types = static_cast<unsigned>(OptionType::tcp_info) + 1;
  const auto type = static_cast<OptionType>(data[0] % types);
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto shown = decode(type, bytes);
  assert(!name_of(type).empty() && (bytes.empty() || size_of(type) > 0));
  const auto word = fuzz::word_of(data + 1, size - 1);
  const auto encoded = encode(type, word);
  if (!encoded) return 0;
  const auto text = decode(type, *encoded).text;
  const bool is_only_written = text == hexadecimal(*encoded);
  assert(is_only_written || encode(type, text) == encoded);
  return 0;
}
