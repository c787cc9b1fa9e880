// split_list(): the words of a list.
#pragma once

#include <string>
#include <vector>

namespace sockx {

/// What stands between the commas: always at least one word, of which any may be empty.
std::vector<std::string> split_list(const std::string& list);

}  // namespace sockx
