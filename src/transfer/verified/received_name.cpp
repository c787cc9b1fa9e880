#include "transfer/verified/received_name.hpp"

#include <algorithm>
#include <limits>

#include "base/text.hpp"
#include "base/words.hpp"
#include "transfer/verified/digest.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

namespace {

constexpr std::size_t longest_part = 255;  // NAME_MAX of limits.h
constexpr int most_parts = 128;

bool has_control_character(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i)
    if (control_character_at(name, i) > 0) return true;
  return false;
}

}  // namespace

bool is_reserved_name(std::string_view path) {
  constexpr std::string_view begin = ".sockx-";
  constexpr std::size_t digits = 32;
  auto name = path.substr(path.rfind('/') + 1);
  if (!name.starts_with(begin)) return false;
  name.remove_prefix(begin.size());
  const auto ending = name.substr(std::min(digits, name.size()));
  return name.find_first_not_of("0123456789abcdefABCDEF") == digits &&
         (ending == ".part" || ending == ".map" || ending == ".map.new" || ending == ".link");
}

std::string reserved_name(std::string_view leaf, std::string_view ending) {
  return text(".sockx-{}.{}", hexadecimal(xxh3_128(leaf)), ending);
}

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
    if (is_reserved_name(part)) return "is reserved for parts of files";
    if (++parts > most_parts) return text("has more than {} parts", most_parts);
    begin = end + 1;
  }
  return {};
}

std::string fault_of_target(std::string_view name, std::string_view target, int kept) {
  if (target.empty()) return "is empty";
  if (target.size() > longest_target)
    return text("has {} bytes, more than {}", target.size(), longest_target);
  if (target.front() == '/') return "is absolute";
  if (has_control_character(target)) return "has a control character";
  auto depth = std::ranges::count(name, '/') - kept;  // folders that it may go up
  bool has_names = false;
  for (std::size_t begin = 0; begin <= target.size();) {
    const auto end = std::min(target.find('/', begin), target.size());
    const auto part = target.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      has_names = true;
      continue;
    }
    if (has_names) return "has the part '..' after a name";
    if (--depth < 0) return "leads out of the directory";
  }
  return {};
}

}  // namespace sockx
