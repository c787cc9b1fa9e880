#include "transfer/verified/compression.hpp"

#include <algorithm>
#include <stdexcept>

#include "os/error.hpp"
#include "os/library.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

constexpr int fastest_level = 1;
constexpr unsigned chunks_to_try = 8;
constexpr unsigned chunks_to_skip = 2;  // of those: what the socket's buffer takes at once tells nothing
constexpr unsigned longest_patience = 1024;

/// The calls of libzstd, as zstd.h declares them.
struct Zstd {
  std::size_t (*bound)(std::size_t);
  std::size_t (*compress)(void*, std::size_t, const void*, std::size_t, int);
  std::size_t (*decompress)(void*, std::size_t, const void*, std::size_t);
  unsigned (*is_error)(std::size_t);

  static const Zstd& get() {
    static const Zstd zstd;
    return zstd;
  }

 private:
  Zstd() {
    const Library library("libzstd.so.1", "compression");
    library.find("ZSTD_compressBound", bound);
    library.find("ZSTD_compress", compress);
    library.find("ZSTD_decompress", decompress);
    library.find("ZSTD_isError", is_error);
  }
};

}  // namespace

std::vector<std::byte> compress(std::span<const std::byte> bytes) {
  const auto& zstd = Zstd::get();
  std::vector<std::byte> compressed(zstd.bound(bytes.size()));
  const auto size =
      zstd.compress(compressed.data(), compressed.size(), bytes.data(), bytes.size(), fastest_level);
  if (zstd.is_error(size) != 0) throw std::runtime_error("libzstd cannot compress");
  compressed.resize(size < bytes.size() ? size : 0);
  return compressed;
}

std::vector<std::byte> decompress(std::span<const std::byte> compressed, std::size_t size) {
  const auto& zstd = Zstd::get();
  std::vector<std::byte> bytes(size);
  const auto got = zstd.decompress(bytes.data(), bytes.size(), compressed.data(), compressed.size());
  if (zstd.is_error(got) != 0 || got != size)
    throw Corrupt(text("{} bytes do not decompress to {}", compressed.size(), size));
  return bytes;
}

void CompressionTrial::note(Duration took, std::size_t size, std::size_t encoded_size) {
  ++chunks_;
  switch (phase_) {
    case Phase::trying:
      if (chunks_ == 1 && encoded_size > size - size / 10) return enter(Phase::does_not);
      if (chunks_ > chunks_to_skip) tried_ += took;
      if (chunks_ == chunks_to_try) enter(Phase::comparing);
      return;
    case Phase::comparing:
      if (chunks_ > chunks_to_skip) compared_ += took;
      if (chunks_ == chunks_to_try) enter(tried_ < compared_ ? Phase::pays : Phase::does_not);
      return;
    case Phase::pays:
    case Phase::does_not:
      if (chunks_ < patience_) return;
      patience_ = std::min(patience_ * 2, longest_patience);
      enter(Phase::trying);
  }
}

void CompressionTrial::enter(Phase phase) {
  phase_ = phase;
  chunks_ = 0;
  if (phase == Phase::trying) tried_ = compared_ = {};
}

}  // namespace sockx
