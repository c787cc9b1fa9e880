// The digests: values that others have published or computed, in the form that goes over the network.
#include "transfer/verified/digest.hpp"

#include <doctest/doctest.h>

#include "../../support/files.hpp"
#include "base/text.hpp"
#include "base/words.hpp"

using namespace sockx;

namespace {

std::string digest_of(DigestKind kind, std::string_view bytes) {
  Hasher hasher(kind);
  hasher.add(std::as_bytes(std::span(bytes)));
  return hexadecimal(hasher.finish());
}

}  // namespace

TEST_CASE("digest: XXH3 and SHA-256 of known inputs are the known values, big end first") {
  CHECK(digest_of(DigestKind::xxh3_128, "") == "99aa06d3014798d86001c324468d497f");
  CHECK(digest_of(DigestKind::xxh3_128, "abc") == "06b05ab6733a618578af5f94892f3950");
  CHECK(digest_of(DigestKind::sha256, "") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest_of(DigestKind::sha256, "abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hexadecimal(xxh3_128("abc")) == digest_of(DigestKind::xxh3_128, "abc"));
  CHECK(xxh3_64("") == 0x2d06800538d394c2U);
}

TEST_CASE("digest: bytes that come in pieces have the digest of the whole, one file after the other") {
  const auto bytes = test::noise(300'000);
  for (const auto kind : {DigestKind::xxh3_128, DigestKind::sha256}) {
    const auto whole = digest_of(kind, bytes);
    CHECK(whole.size() == 2 * size_of(kind));
    Hasher hasher(kind);
    for (const std::size_t piece : {1, 63, 64, 4096, 300'000}) {
      for (std::size_t at = 0; at < bytes.size(); at += piece)
        hasher.add(std::as_bytes(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at))));
      CHECK(hexadecimal(hasher.finish()) == whole);
    }
  }
}
