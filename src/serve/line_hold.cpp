#include "serve/line_hold.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/text.hpp"

namespace sockx {

void LineHold::put(std::span<const std::byte> bytes) {
  if (!whole_lines_) return sink_(bytes);
  const auto newline = std::find(bytes.rbegin(), bytes.rend(), std::byte{'\n'});
  const auto whole = bytes.first(static_cast<std::size_t>(bytes.rend() - newline));
  const auto begun = bytes.subspan(whole.size());
  if (held_.empty()) {
    sink_(whole);
  } else if (!whole.empty()) {
    held_.insert(held_.end(), whole.begin(), whole.end());
    sink_(std::exchange(held_, {}));
  }
  if (held_.size() + begun.size() >= longest) {
    held_.clear();
    throw std::runtime_error(text("a line has more than {} bytes", longest));
  }
  held_.insert(held_.end(), begun.begin(), begun.end());
}

void LineHold::end() {
  if (is_holding()) sink_(take());
}

std::vector<std::byte> LineHold::take() {
  if (is_holding()) held_.push_back(std::byte{'\n'});
  return std::exchange(held_, {});
}

}  // namespace sockx
