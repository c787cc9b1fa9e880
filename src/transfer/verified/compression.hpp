// Compression of chunks by Zstandard (RFC 8878), and whether it makes a transfer faster.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/non_copyable.hpp"
#include "flow/clock.hpp"

namespace sockx {

/// The bytes compressed, at the level that is fastest; nothing when they would not become smaller. Throws
/// std::runtime_error when libzstd is not there.
std::vector<std::byte> compress(std::span<const std::byte> bytes);

/// Decompresses one frame, piece by piece, with at most some 1.5 MiB of memory. Throws std::runtime_error
/// when libzstd is not there.
class Decompressor : NonCopyable {
 public:
  Decompressor();
  ~Decompressor();

  /// Removes input from the front of `compressed`, and returns output in `room`; empty when all input is used
  /// and there is no more output. Throws Corrupt for bad input, for bytes after the frame, and for a frame
  /// with a window of more than 1 MiB.
  std::span<const std::byte> next(std::span<const std::byte>& compressed, std::span<std::byte> room);
  bool has_ended() const { return has_ended_; }

 private:
  void* stream_;
  bool has_ended_ = false;
};

/// Measures both, and repeats that now and then. Compression is faster if the network is slower than the
/// compressor and the bytes are compressible, which the first chunk of a trial shows.
class CompressionTrial {
 public:
  /// Whether the next chunk is to be compressed.
  bool compresses() const { return phase_ == Phase::trying || phase_ == Phase::pays; }
  /// To be called with the time that a chunk took, and its sizes.
  void note(Duration took, std::size_t size, std::size_t encoded_size);

 private:
  enum class Phase { trying, comparing, pays, does_not } phase_ = Phase::trying;
  void enter(Phase phase);
  unsigned chunks_ = 0;  // of this phase
  unsigned patience_ = 64;
  Duration tried_{}, compared_{};  // the time of the chunks that were, and were not compressed
};

}  // namespace sockx
