#include "flow/framing.hpp"

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

constexpr std::size_t prefix = 4;  // bytes of the number before a record

}  // namespace

void Framer::put(std::span<const std::byte> bytes) {
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::optional<std::vector<std::byte>> Framer::take() {
  std::optional<std::size_t> size;
  switch (framing_.kind) {
    case Framing::Kind::line:
      size = whole_line();
      break;
    case Framing::Kind::size:
      check_size(std::min(left(), framing_.size));
      size = left() >= framing_.size ? std::optional(framing_.size) : everything();
      if (size == 0) size.reset();
      break;
    case Framing::Kind::len32:
      size = counted();
      break;
    case Framing::Kind::all:
      check_size(left());
      if (!all_taken_) size = everything();
      all_taken_ = all_taken_ || size;
      break;
  }
  if (!size) return {};
  const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(begin_);
  std::vector<std::byte> record(first, first + static_cast<std::ptrdiff_t>(*size));
  begin_ += *size;
  searched_ = 0;
  return record;
}

std::optional<std::size_t> Framer::whole_line() {
  const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(begin_);
  const auto newline =
      std::find(first + static_cast<std::ptrdiff_t>(searched_), bytes_.end(), std::byte{'\n'});
  const auto size = static_cast<std::size_t>(newline - first);
  searched_ = size;
  if (newline != bytes_.end()) {
    check_size(size + 1);
    return size + 1;
  }
  check_size(size);
  return size > 0 ? everything() : std::nullopt;
}

std::optional<std::size_t> Framer::counted() {
  if (left() < prefix) {
    if (ended_ && left() > 0)
      throw Incomplete(text("the input ended within the length of a record: {} of 4 bytes", left()));
    return {};
  }
  std::size_t size = 0;
  for (std::size_t i = 0; i < prefix; ++i) size = size << 8U | static_cast<std::size_t>(bytes_[begin_ + i]);
  check_size(size);
  if (left() - prefix >= size) {
    begin_ += prefix;
    return size;
  }
  if (ended_)
    throw Incomplete(
        text("the input ended within a record: {} of {}", left() - prefix, sockx::counted(size, "byte")));
  return {};
}

std::optional<std::size_t> Framer::everything() {
  if (!ended_) return {};
  return left();
}

void Framer::check_size(std::size_t size) const {
  if (size > limit_.most)
    throw about(limit_.setting, Error(EMSGSIZE,
                                      text("{} of {} bytes or more, but {} {}", limit_.record, size,
                                           limit_.bound, limit_.most),
                                      Origin::local_file));
}

}  // namespace sockx
