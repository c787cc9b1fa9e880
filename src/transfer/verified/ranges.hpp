// Range and RangeSet: ranges of bytes in a file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

namespace sockx {

/// In bytes.
struct Range {
  std::uint64_t offset = 0, length = 0;
  std::uint64_t end() const { return offset + length; }
  bool overlaps(const Range& other) const {
    return std::max(offset, other.offset) < std::min(end(), other.end());
  }
  bool operator==(const Range&) const = default;
};

/// A set of bytes of a file. Ranges that touch are merged.
class RangeSet {
 public:
  bool overlaps(const Range& range) const {
    const auto next = ends_.upper_bound(range.offset);
    const bool reaches_next = next != ends_.end() && next->first < range.end();
    const bool in_previous = next != ends_.begin() && std::prev(next)->second > range.offset;
    return range.length > 0 && (reaches_next || in_previous);
  }

  void add(Range range) {
    if (range.length == 0) return;
    auto begin = range.offset, end = range.end();
    auto next = ends_.upper_bound(begin);
    if (next != ends_.begin() && std::prev(next)->second >= begin) --next;
    while (next != ends_.end() && next->first <= end) {
      begin = std::min(begin, next->first);
      end = std::max(end, next->second);
      bytes_ -= next->second - next->first;
      next = ends_.erase(next);
    }
    ends_.emplace(begin, end);
    bytes_ += end - begin;
  }

  /// How many bytes are in it.
  std::uint64_t bytes() const { return bytes_; }
  /// How many ranges it has.
  std::size_t count() const { return ends_.size(); }
  /// Where its last byte ends.
  std::uint64_t end() const { return ends_.empty() ? 0 : ends_.rbegin()->second; }

  std::vector<Range> ranges() const {
    std::vector<Range> all;
    all.reserve(ends_.size());
    for (const auto& [begin, end] : ends_) all.push_back({begin, end - begin});
    return all;
  }

  /// The parts of `range` that are not in the set, in order.
  std::vector<Range> missing_from(const Range& range) const {
    std::vector<Range> gaps;
    auto begin = range.offset;
    auto next = ends_.upper_bound(begin);
    if (next != ends_.begin()) begin = std::max(begin, std::prev(next)->second);
    for (; begin < range.end() && next != ends_.end() && next->first < range.end(); ++next) {
      if (next->first > begin) gaps.push_back({begin, next->first - begin});
      begin = next->second;
    }
    if (begin < range.end()) gaps.push_back({begin, range.end() - begin});
    return gaps;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;  // begin to end; disjoint, and none touches the next
  std::uint64_t bytes_ = 0;
};

}  // namespace sockx
