// The sections of sockx(1), which is compiled in, as plain text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sockx {

/// mdoc(7) as plain text with at most `width` columns; it knows the macros of sockx(1).
std::string rendered_mdoc(std::string_view source, std::size_t width);

/// The section of a name like "exit-status", with its heading. Throws std::logic_error if there is none.
std::string manual_section(std::string_view name, std::size_t width);

}  // namespace sockx
