// text(): fmt's formatting, compiled in one place; one_line(): text that is safe on a terminal; as_text():
// bytes.
#pragma once

#include <fmt/core.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sockx {

std::string format_text(fmt::string_view format, fmt::format_args arguments);

/// A string by fmt's format language. Only text.cpp compiles fmt's implementation; everyone else pays for the
/// declarations in fmt/core.h.
template <class... Arguments>
std::string text(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return format_text(format, fmt::make_format_args(arguments...));
}

/// The message on one line and without control characters, whatever words it quotes.
std::string one_line(std::string message);

/// The same bytes as characters.
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace sockx
