// split_list(), is_among(): the words of a list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// What stands between the commas: always at least one word, of which any may be empty.
std::vector<std::string> split_list(const std::string& list);

/// Whether a list with a blank between its words has this one.
bool is_among(std::string_view word, std::string_view list);

}  // namespace sockx
