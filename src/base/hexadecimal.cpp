#include "base/hexadecimal.hpp"

#include <cstdint>

#include "base/digits.hpp"
#include "base/text.hpp"

namespace sockx {

std::string hexadecimal(std::string_view bytes, std::string_view between) {
  std::string shown;
  for (const char byte : bytes)
    shown += text("{}{:02x}", shown.empty() ? "" : between, static_cast<unsigned char>(byte));
  return shown;
}

std::optional<std::string> parse_hexadecimal(std::string_view digits, std::string_view separators) {
  std::string bytes;
  while (!digits.empty()) {
    const auto pair = digits.substr(0, 2);
    const auto byte = number_in<std::uint8_t>(pair, 16);
    if (pair.size() != 2 || !byte) return {};
    bytes += static_cast<char>(*byte);
    digits.remove_prefix(2);
    if (digits.size() > 1 && separators.find(digits.front()) != std::string_view::npos)
      digits.remove_prefix(1);
  }
  return bytes;
}

}  // namespace sockx
