// Compression of chunks by Zstandard (RFC 8878), and whether it pays.
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

  /// Takes from the front of `compressed`, and returns some of what that becomes, in `room`: nothing when all
  /// has been taken and there is no more of it. Throws Corrupt for what is not compressed so, for what goes
  /// on behind the frame, and for a frame that takes a window of more than 1 MiB.
  std::span<const std::byte> next(std::span<const std::byte>& compressed, std::span<std::byte> room);
  bool has_ended() const { return has_ended_; }

 private:
  void* stream_;
  bool has_ended_ = false;
};

/// Finds out by trying both, and tries again every so often. It pays where the network is slower than the
/// compressor, and the bytes can be compressed at all, which the first chunk of a try tells.
class CompressionTrial {
 public:
  /// Whether the next chunk is to be compressed.
  bool compresses() const { return phase_ == Phase::trying || phase_ == Phase::pays; }
  /// What the chunk took from its file to the kernel, and what its size became.
  void note(Duration took, std::size_t size, std::size_t encoded_size);

 private:
  enum class Phase { trying, comparing, pays, does_not } phase_ = Phase::trying;
  void enter(Phase phase);
  unsigned chunks_ = 0;  // of this phase
  unsigned patience_ = 64;
  Duration tried_{}, compared_{};  // the time of the chunks that were, and were not compressed
};

}  // namespace sockx
