#include "serve/broadcast.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sockx {

void Broadcast::append(Participant except, std::span<const std::byte> bytes) {
  assert(bytes.size() <= capacity);
  if (bytes.empty()) return;
  if (segments_.empty() || segments_.back().except != except) segments_.push_back({end_, except});
  const auto at = static_cast<std::size_t>(end_ % capacity);
  const auto to_edge = std::min(bytes.size(), capacity - at);
  std::memcpy(bytes_.get() + at, bytes.data(), to_edge);
  std::memcpy(bytes_.get(), bytes.data() + to_edge, bytes.size() - to_edge);
  end_ += bytes.size();
  while (segments_.size() > 1 && segments_[1].begin <= begin()) segments_.pop_front();
}

template <class Visit>
void Broadcast::walk(Position from, Position to, Participant reader, Visit visit) const {
  if (from >= to) return;
  const auto behind = [](Position position, const Segment& segment) { return position < segment.begin; };
  auto segment = std::prev(std::upper_bound(segments_.begin(), segments_.end(), from, behind));
  for (; segment != segments_.end() && segment->begin < to; ++segment) {
    if (segment->except != 0 && segment->except == reader) continue;
    const auto first = std::max(from, segment->begin);
    const auto last = std::next(segment) == segments_.end() ? to : std::min(to, std::next(segment)->begin);
    if (!visit(first, static_cast<std::size_t>(last - first))) return;
  }
}

std::span<const std::byte> Broadcast::contiguous(Position position, std::size_t size) const {
  const auto at = static_cast<std::size_t>(position % capacity);
  return {bytes_.get() + at, std::min(size, capacity - at)};
}

Broadcast::Due Broadcast::due(Position from, Participant reader, Position to) const {
  Due due;
  due.reaches = to;
  walk(from, to, reader, [&](Position position, std::size_t size) {
    while (size > 0 && due.count < due.storage.size()) {
      const auto piece = contiguous(position, size);
      due.storage[due.count++] = piece;
      due.bytes += piece.size();
      position += piece.size();
      size -= piece.size();
    }
    const bool has_room = due.count < due.storage.size();
    if (!has_room) due.reaches = position;
    return has_room;
  });
  return due;
}

Broadcast::Position Broadcast::after(Position from, Participant reader, std::size_t bytes) const {
  auto reached = from;
  walk(from, end_, reader, [&](Position position, std::size_t size) {
    const auto read = std::min(size, bytes);
    if (read > 0) reached = position + read;
    bytes -= read;
    return bytes > 0;
  });
  return reached;
}

Broadcast::Position Broadcast::next_line(Position from) const {
  while (from < end_) {
    const auto piece = contiguous(from, static_cast<std::size_t>(end_ - from));
    const auto newline = std::find(piece.begin(), piece.end(), std::byte{'\n'});
    from += static_cast<std::size_t>(newline - piece.begin());
    if (newline != piece.end()) return from + 1;
  }
  return end_;
}

}  // namespace sockx
