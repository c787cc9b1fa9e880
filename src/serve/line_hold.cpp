#include "serve/line_hold.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "os/text.hpp"

namespace sockx {

std::span<const std::byte> LineHold::pass(std::span<const std::byte> bytes, std::vector<std::byte>& joined) {
  const auto newline = std::find(bytes.rbegin(), bytes.rend(), std::byte{'\n'});
  auto whole = bytes.first(static_cast<std::size_t>(bytes.rend() - newline));
  const auto begun = bytes.subspan(whole.size());
  if (!whole.empty() && !held_.empty()) {
    joined = std::exchange(held_, {});
    joined.insert(joined.end(), whole.begin(), whole.end());
    whole = joined;
  }
  if (held_.size() + begun.size() >= longest)
    throw std::runtime_error(text("a line has more than {} bytes", longest));
  held_.insert(held_.end(), begun.begin(), begun.end());
  return whole;
}

std::vector<std::byte> LineHold::rest() {
  if (!held_.empty()) held_.push_back(std::byte{'\n'});
  return std::exchange(held_, {});
}

}  // namespace sockx
