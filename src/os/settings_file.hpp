// Files that users write settings into, a line each.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sockx {

/// All that is in the file, of at most 16 MiB. `things` are what its lines are, "rules". Throws BadInput,
/// also for what is no regular file: opening or reading a FIFO could block for ever.
std::string read_settings_file(const std::string& path, std::string_view things);

}  // namespace sockx
