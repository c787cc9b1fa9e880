// HttpHead: the lines that an HTTP/1 message begins with.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/stream.hpp"

namespace sockx {

struct HttpHead {
  static constexpr std::size_t most_bytes = 64 * 1024;  // with all line ends

  std::string start_line;           // of a request or a status line, without its line end
  std::vector<std::string> fields;  // the lines up to the empty one, as they came: "Name: value"

  /// The value of the first field of this name, whatever its case, without blanks around it.
  std::optional<std::string_view> field(std::string_view name) const;
};

struct HttpField {
  std::string_view name, value;
};
/// Nothing for a line that is no field: without a colon, without a name, or with a blank in or around the
/// name (which is also how the continuation of another line begins), or a control character.
std::optional<HttpField> parse_http_field(std::string_view line);

/// Reads up to the empty line, and not a byte further. A line ends with CR LF or LF. Nothing when the end
/// comes before that. Throws ProxyError for a head that is too long, TimedOut and Error as the verbs of
/// Stream do.
Task<std::optional<HttpHead>> read_http_head(Stream& stream, Deadline deadline);

}  // namespace sockx
