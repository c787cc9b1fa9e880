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
  HttpHead head;
  bool has_begun = false;
  for (auto left = HttpHead::most_bytes;;) {
    std::optional<std::string> line;
    try {
      line = co_await stream.read_line(left - 1, deadline);
    } catch (const Error& error) {
      if (error.number() != EMSGSIZE) throw;
      throw ProxyError("the head of the HTTP message is longer than 64 KiB");
    }
    if (!line) co_return std::nullopt;
    left -= line->size() + 1;
    if (line->ends_with('\r')) line->pop_back();
    if (has_begun && line->empty()) co_return head;
    if (left == 0) throw ProxyError("the head of the HTTP message is longer than 64 KiB");
    if (has_begun)
      head.fields.push_back(std::move(*line));
    else
      head.start_line = std::move(*line);
    has_begun = true;
  }
}

}  // namespace sockx
