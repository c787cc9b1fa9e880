// What stands in for a standard stream that a conversation does without.
#pragma once

#include <string_view>

#include "os/unique_fd.hpp"

namespace sockx {

/// /dev/null, to read and to write.
UniqueFd open_null_device();
/// A file in memory with this content, to be read from its beginning: memfd_create(2).
UniqueFd open_text(std::string_view content);

}  // namespace sockx
