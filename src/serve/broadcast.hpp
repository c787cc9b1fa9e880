// Broadcast: one bounded log of bytes that many read, each at its own position.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

namespace sockx {

/// The last MiB of what has been said. For a reader only the position up to which it has read is kept: a
/// thousand readers cost no more than one. A reader that falls behind by more than the log has lost its
/// place.
class Broadcast {
 public:
  using Position = std::uint64_t;     // bytes from the beginning of all
  using Participant = std::uint64_t;  // who says or reads something, from 1

  static constexpr std::size_t capacity = 1024 * 1024;

  Broadcast() : bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity)) {}

  /// Adds at most `capacity` bytes for every reader except one (0: for every reader). They replace the
  /// oldest.
  void append(Participant except, std::span<const std::byte> bytes);
  /// What is kept.
  Position begin() const { return end_ > capacity ? end_ - capacity : 0; }
  Position end() const { return end_; }

  /// What is due to a reader that has read up to a position, as it lies in the log.
  struct Due {
    std::array<std::span<const std::byte>, 64> storage;
    std::size_t count = 0, bytes = 0;
    Position reaches = 0;  // the position of a reader that has read all this
    std::span<const std::span<const std::byte>> pieces() const { return std::span(storage).first(count); }
  };
  /// `from` is not before begin(); nothing from `to` on.
  Due due(Position from, Participant reader, Position to) const;
  Due due(Position from, Participant reader) const { return due(from, reader, end_); }
  /// The position of the reader once it has read so many bytes of that.
  Position after(Position from, Participant reader, std::size_t bytes) const;
  /// The first position behind a newline, from `from` on; the end where there is none.
  Position next_line(Position from) const;

 private:
  /// Bytes for the same readers, up to the next segment or the end.
  struct Segment {
    Position begin;
    Participant except;
  };

  /// Calls visit(position, size) for each stretch that is for the reader, until it returns false.
  template <class Visit>
  void walk(Position from, Position to, Participant reader, Visit visit) const;
  /// `size` bytes up to the end of the ring.
  std::span<const std::byte> contiguous(Position position, std::size_t size) const;

  std::unique_ptr<std::byte[]> bytes_;  // a ring
  std::deque<Segment> segments_;
  Position end_ = 0;
};

}  // namespace sockx
