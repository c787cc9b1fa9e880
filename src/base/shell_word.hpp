// Words as a POSIX shell reads them.
#pragma once

#include <string>
#include <string_view>

namespace sockx {

/// The word in single quotes, whatever bytes it has.
std::string in_single_quotes(std::string_view word);

}  // namespace sockx
