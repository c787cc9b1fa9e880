#include "base/words.hpp"

#include <algorithm>
#include <cstdint>

#include "base/text.hpp"

namespace sockx {

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(',', begin), list.size());
    words.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

bool is_among(std::string_view word, std::string_view list) {
  for (std::size_t at = 0; at < list.size();) {
    const auto end = std::min(list.find(' ', at), list.size());
    if (list.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

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
