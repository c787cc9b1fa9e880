// Bytes as hexadecimal digits, and digits as bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sockx {

/// "7f000001": two digits a byte, with `between` from byte to byte.
std::string hexadecimal(std::string_view bytes, std::string_view between = {});

/// The bytes that pairs of digits stand for; nothing for anything else. One of `separators` may stand between
/// two bytes.
std::optional<std::string> parse_hexadecimal(std::string_view digits, std::string_view separators = {});

}  // namespace sockx
