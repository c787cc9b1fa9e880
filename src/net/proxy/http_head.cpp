#include "net/proxy/http_head.hpp"

#include <strings.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"

namespace sockx {

namespace {

std::string_view without_blanks(std::string_view words) {
  const auto* const blanks = " \t";
  const auto first = words.find_first_not_of(blanks);
  return first == words.npos ? "" : words.substr(first, words.find_last_not_of(blanks) - first + 1);
}

bool is_in_name(char letter) { return letter > ' ' && letter < 0x7f && letter != ':'; }

bool is_control(char letter) { return (letter >= 0 && letter < ' ' && letter != '\t') || letter == 0x7f; }

bool is_same_name(std::string_view one, std::string_view other) {
  return one.size() == other.size() && strncasecmp(one.data(), other.data(), one.size()) == 0;
}

/// The end of the first empty line but one that the head begins with.
std::size_t find_end_of_head(std::string_view known, std::size_t seen) {
  for (auto end = known.find('\n', seen); end != known.npos; end = known.find('\n', end + 1)) {
    auto line = known.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && line.ends_with('\n')) return end + 1;
  }
  return 0;
}

HttpHead head_of(std::string_view bytes) {
  HttpHead head;
  for (bool has_begun = false; !bytes.empty(); has_begun = true) {
    auto line = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(line.size() + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!has_begun)
      head.start_line = line;
    else if (!bytes.empty())
      head.fields.emplace_back(line);
  }
  return head;
}

}  // namespace

std::optional<HttpField> parse_http_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == line.npos || colon == 0) return {};
  const auto name = line.substr(0, colon);
  const auto value = without_blanks(line.substr(colon + 1));
  if (!std::ranges::all_of(name, is_in_name) || std::ranges::any_of(value, is_control)) return {};
  return HttpField{name, value};
}

std::optional<std::string_view> HttpHead::field(std::string_view name) const {
  for (const auto& line : fields)
    if (const auto field = parse_http_field(line); field && is_same_name(field->name, name))
      return field->value;
  return {};
}

Task<std::optional<HttpHead>> read_http_head(Stream& stream, Deadline deadline) {
  std::optional<std::string> bytes;
  try {
    bytes = co_await stream.read_up_to(find_end_of_head, HttpHead::most_bytes, deadline);
  } catch (const Error& error) {
    if (error.number() != EMSGSIZE) throw;
    throw ProxyError("the head of the HTTP message is longer than 64 KiB");
  }
  if (!bytes) co_return std::nullopt;
  co_return head_of(*bytes);
}

}  // namespace sockx
