// Base64 (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sockx {

/// With the padding.
std::string base64(std::string_view bytes);

/// The bytes that a text stands for; nothing for anything that base64() would not write.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace sockx
