#include "base/base64.hpp"

#include <algorithm>
#include <cstdint>

namespace sockx {

namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64(std::string_view bytes) {
  std::string shown;
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    const auto group = bytes.substr(0, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < group.size() ? static_cast<std::uint8_t>(group[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      shown += i <= group.size() ? base64_digits[bits >> (18 - 6 * i) & 0x3f] : '=';
  }
  return shown;
}

std::optional<std::string> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return {};
  const auto all = text;
  std::string bytes;
  for (; !text.empty(); text.remove_prefix(4)) {
    auto group = text.substr(0, 4);
    if (text.size() == 4)
      for (int i = 0; i < 2 && group.back() == '='; ++i) group.remove_suffix(1);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto digit = i < group.size() ? base64_digits.find(group[i]) : 0;
      if (digit == base64_digits.npos) return {};
      bits = bits << 6 | static_cast<std::uint32_t>(digit);
    }
    for (std::size_t i = 0; i + 1 < group.size(); ++i)
      bytes += static_cast<char>(bits >> (16 - 8 * i) & 0xff);
  }
  if (base64(bytes) != all) return {};  // bits that stand for nothing
  return bytes;
}

}  // namespace sockx
