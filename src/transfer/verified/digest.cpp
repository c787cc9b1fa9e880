#include "transfer/verified/digest.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <stdexcept>

#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "os/library.hpp"

namespace sockx {

namespace {

std::string canonical(XXH128_hash_t hash) {
  XXH128_canonical_t form;
  XXH128_canonicalFromHash(&form, hash);
  return std::string(as_text(std::as_bytes(std::span(form.digest))));
}

/// The calls of libcrypto that a digest takes, see EVP_DigestInit(3).
struct Crypto {
  void* (*new_context)();
  void (*free_context)(void*);
  const void* (*sha256)();
  int (*init)(void*, const void*, void*);
  int (*update)(void*, const void*, std::size_t);
  int (*finish)(void*, unsigned char*, unsigned*);

  static const Crypto& get() {
    static const Crypto crypto;
    return crypto;
  }

 private:
  Crypto() {
    const Library library("libcrypto.so.3", "SHA-256");
    library.find("EVP_MD_CTX_new", new_context);
    library.find("EVP_MD_CTX_free", free_context);
    library.find("EVP_sha256", sha256);
    library.find("EVP_DigestInit_ex", init);
    library.find("EVP_DigestUpdate", update);
    library.find("EVP_DigestFinal_ex", finish);
  }
};

}  // namespace

class Hasher::Engine {
 public:
  virtual ~Engine() = default;
  virtual void add(std::span<const std::byte> bytes) = 0;
  virtual std::string finish() = 0;
};

class Hasher::Xxh3 : public Hasher::Engine {
 public:
  Xxh3() { XXH3_128bits_reset(&state_); }
  void add(std::span<const std::byte> bytes) override {
    XXH3_128bits_update(&state_, bytes.data(), bytes.size());
  }
  std::string finish() override {
    auto digest = canonical(XXH3_128bits_digest(&state_));
    XXH3_128bits_reset(&state_);
    return digest;
  }

 private:
  XXH3_state_t state_;
};

class Hasher::Sha256 : public Hasher::Engine, NonCopyable {
 public:
  Sha256() : crypto_(Crypto::get()), context_(crypto_.new_context()) { begin(); }
  ~Sha256() override { crypto_.free_context(context_); }
  void add(std::span<const std::byte> bytes) override {
    crypto_.update(context_, bytes.data(), bytes.size());
  }
  std::string finish() override {
    std::array<unsigned char, 32> digest;
    crypto_.finish(context_, digest.data(), nullptr);
    begin();
    return std::string(as_text(std::as_bytes(std::span(digest))));
  }

 private:
  void begin() {
    if (context_ == nullptr || crypto_.init(context_, crypto_.sha256(), nullptr) != 1)
      throw std::runtime_error("libcrypto cannot compute SHA-256 here");
  }
  const Crypto& crypto_;
  void* context_;
};

std::string_view name_of(DigestKind kind) { return kind == DigestKind::sha256 ? "sha256" : "xxh3-128"; }

std::size_t size_of(DigestKind kind) { return kind == DigestKind::sha256 ? 32 : 16; }

Hasher::Hasher(DigestKind kind) : kind_(kind) {
  if (kind == DigestKind::sha256)
    engine_ = std::make_unique<Sha256>();
  else
    engine_ = std::make_unique<Xxh3>();
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::add(std::span<const std::byte> bytes) { engine_->add(bytes); }
std::string Hasher::finish() { return engine_->finish(); }

std::uint64_t xxh3_64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
std::string xxh3_128(std::string_view bytes) { return canonical(XXH3_128bits(bytes.data(), bytes.size())); }

}  // namespace sockx
