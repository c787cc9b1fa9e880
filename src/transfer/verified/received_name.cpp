#include "transfer/verified/received_name.hpp"

#include <algorithm>
#include <limits>

#include "os/text.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

namespace {

constexpr std::size_t longest_part = 255;  // NAME_MAX of limits.h
constexpr int most_parts = 128;

/// C0 and DEL; and C1, which in UTF-8 is 0xc2 with a byte below 0xa0 behind it.
bool has_control_character(std::string_view name) {
  unsigned char before = 0;
  for (const char letter : name) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte >= 0x80 && byte < 0xa0)) return true;
    before = byte;
  }
  return false;
}

}  // namespace

std::string fault_of_name(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > longest_name) return text("has {} bytes, more than {}", name.size(), longest_name);
  if (name.front() == '/') return "is absolute";
  if (has_control_character(name)) return "has a control character";
  int parts = 0;
  for (std::size_t begin = 0; begin <= name.size();) {
    const auto end = std::min(name.find('/', begin), name.size());
    const auto part = name.substr(begin, end - begin);
    if (part.empty()) return "has an empty part";
    if (part == "." || part == "..") return text("has the part '{}'", part);
    if (part.size() > longest_part)
      return text("has a part of {} bytes, more than {}", part.size(), longest_part);
    if (++parts > most_parts) return text("has more than {} parts", most_parts);
    begin = end + 1;
  }
  return {};
}

}  // namespace sockx
