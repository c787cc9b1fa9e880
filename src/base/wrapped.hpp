// wrapped(): text in lines of a limited width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sockx {

/// The words of `text`, which blanks separate, in lines of at most `width` columns; only a longer word
/// exceeds that. The first line begins at column `column`, the others are indented by `indent`. There is no
/// newline at the end.
std::string wrapped(std::string_view text, std::size_t column, std::size_t indent, std::size_t width);

}  // namespace sockx
