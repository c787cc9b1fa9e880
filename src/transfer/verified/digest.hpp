// Digests: whether bytes are the same at both ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sockx {

/// The numbers are those of the protocol.
enum class DigestKind : std::uint8_t {
  xxh3_128 = 1,  // XXH3 with 128 bits: faster than memory; against accidents, not against forgery
  sha256 = 2,    // SHA-256 (FIPS 180-4)
};

/// "xxh3-128", "sha256".
std::string_view name_of(DigestKind kind);
/// Bytes of a digest: 16 or 32.
std::size_t size_of(DigestKind kind);

/// Computes digests, one after the other.
class Hasher {
 public:
  /// libcrypto is opened when SHA-256 is first asked for. Throws std::runtime_error when it is not there.
  explicit Hasher(DigestKind kind);
  Hasher(Hasher&&) noexcept;
  ~Hasher();

  DigestKind kind() const { return kind_; }
  void add(std::span<const std::byte> bytes);
  /// The digest of what has been added since the last one, in the canonical (big-endian) form.
  std::string finish();

 private:
  class Engine;
  class Xxh3;
  class Sha256;
  DigestKind kind_;
  std::unique_ptr<Engine> engine_;
};

/// XXH3 with 64 bits and with 128 bits, of a few bytes at once.
std::uint64_t xxh3_64(std::string_view bytes);
std::string xxh3_128(std::string_view bytes);

}  // namespace sockx
