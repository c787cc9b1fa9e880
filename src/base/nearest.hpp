// nearest(): the name that a misspelt word probably means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// The candidate with the smallest edit distance (insert, delete, replace, swap neighbours) from `word`;
/// empty when none is near enough to be worth naming: at most a third of the word's letters, and at least
/// one.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sockx
