#include "transfer/verified/compression.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/library.hpp"

namespace sockx {

namespace {

constexpr int fastest_level = 1;
constexpr unsigned chunks_to_try = 8;
constexpr unsigned chunks_to_skip = 2;  // of those: what the socket's buffer takes at once tells nothing
constexpr unsigned longest_patience = 1024;

constexpr int parameter_window = 100;  // ZSTD_d_windowLogMax
constexpr int largest_window = 20;     // a power of two: 1 MiB

/// ZSTD_outBuffer and ZSTD_inBuffer.
struct ZstdOutput {
  void* bytes;
  std::size_t size, done;
};
struct ZstdInput {
  const void* bytes;
  std::size_t size, done;
};

/// The calls of libzstd, as zstd.h declares them.
struct Zstd {
  std::size_t (*bound)(std::size_t);
  std::size_t (*compress)(void*, std::size_t, const void*, std::size_t, int);
  void* (*new_stream)();
  std::size_t (*free_stream)(void*);
  std::size_t (*set_parameter)(void*, int, int);
  std::size_t (*decompress)(void*, ZstdOutput*, ZstdInput*);
  unsigned (*is_error)(std::size_t);
  const char* (*error)(std::size_t);

  static const Zstd& get() {
    static const Zstd zstd;
    return zstd;
  }

 private:
  Zstd() {
    const Library library("libzstd.so.1", "compression");
    library.find("ZSTD_compressBound", bound);
    library.find("ZSTD_compress", compress);
    library.find("ZSTD_createDStream", new_stream);
    library.find("ZSTD_freeDStream", free_stream);
    library.find("ZSTD_DCtx_setParameter", set_parameter);
    library.find("ZSTD_decompressStream", decompress);
    library.find("ZSTD_isError", is_error);
    library.find("ZSTD_getErrorName", error);
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

Decompressor::Decompressor() : stream_(Zstd::get().new_stream()) {
  if (stream_ == nullptr) throw std::bad_alloc();
  Zstd::get().set_parameter(stream_, parameter_window, largest_window);
}

Decompressor::~Decompressor() { Zstd::get().free_stream(stream_); }

std::span<const std::byte> Decompressor::next(std::span<const std::byte>& compressed,
                                              std::span<std::byte> room) {
  if (has_ended_) {
    if (!compressed.empty()) throw Corrupt(text("{} bytes follow what is compressed", compressed.size()));
    return {};
  }
  const auto& zstd = Zstd::get();
  ZstdOutput output{room.data(), room.size(), 0};
  ZstdInput input{compressed.data(), compressed.size(), 0};
  const auto left = zstd.decompress(stream_, &output, &input);
  if (zstd.is_error(left) != 0) throw Corrupt(text("what came does not decompress: {}", zstd.error(left)));
  compressed = compressed.subspan(input.done);
  has_ended_ = left == 0;
  return room.first(output.done);
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
