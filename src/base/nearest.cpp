#include "base/nearest.hpp"

#include <algorithm>

namespace sockx {

namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
    }
  }
  return table[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const auto [shorter, longer] = std::minmax({word.size(), candidate.size()});
    if (longer - shorter >= best_distance) continue;  // a distance is at least that
    const auto found = distance(word, candidate);
    if (found >= best_distance) continue;
    best = candidate;
    best_distance = found;
  }
  return best;
}

std::string nearest_option(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::string_view dashes = "--";
  constexpr std::size_t shortest_part = 3, shortest_stem = 5, longest_ending = 3;
  if (!word.starts_with(dashes)) return "";
  word.remove_prefix(dashes.size());
  std::vector<std::string> names;
  for (const auto& candidate : candidates)
    if (candidate.starts_with(dashes)) names.push_back(candidate.substr(dashes.size()));
  const auto option = [dashes](const std::string& name) {
    return name.empty() ? "" : std::string(dashes) + name;
  };
  if (word.size() >= shortest_part) {
    const auto part = '-' + std::string(word);
    // Whole parts come before those that only begin with the word.
    for (const std::string_view end : {"-", ""})
      for (const auto& name : names)
        if ((name + '-').starts_with(std::string(word) + std::string(end))) return option(name);
    for (const std::string_view end : {"-", ""})
      for (const auto& name : names)
        if (('-' + name + '-').find(part + std::string(end)) != std::string::npos) return option(name);
  }
  const auto near = nearest(word, names);
  if (!near.empty() || word.size() < shortest_stem) return option(near);
  for (const auto& name : names)  // --verify is --verified
    if (name.starts_with(word.substr(0, word.size() - 1)) && name.size() <= word.size() + longest_ending)
      return option(name);
  return "";
}

}  // namespace sockx
