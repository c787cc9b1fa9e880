// nearest(), nearest_option(): the name that a misspelt or shortened word probably means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// The candidate with the smallest edit distance (insert, delete, replace, swap neighbours) from `word`;
/// empty when none is near enough to be worth naming: at most a third of the word's letters, and at least
/// one.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// The same for long options, which begin with two dashes. First come the options that begin with the word,
/// then those of which a part between dashes does, then the nearest by spelling, then those that differ only
/// in their ending: `--wait` is --wait-for, `--pin` is --tls-pin, `--verify` is --verified.
std::string nearest_option(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sockx
