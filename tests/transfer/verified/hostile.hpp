// The words of a sender that is not ours, and what a receiver made of them.
#pragma once

#include "ends.hpp"

namespace test {

inline sockx::Hello hello() {
  return {sockx::oldest_version, sockx::DigestKind::xxh3_128, 0, 1, {}, sockx::unknown, sockx::unknown};
}
inline sockx::Entry file(std::uint32_t id, std::string name, std::uint64_t size) {
  return {id, sockx::EntryKind::file, 0644, 1'000'000, 0, size, std::move(name)};
}

/// A chunk with all that belongs to it.
inline std::string chunk(std::uint32_t id, std::uint64_t offset, const std::string& bytes) {
  const auto length = static_cast<std::uint32_t>(bytes.size());
  return sockx::encode(sockx::Chunk{id, sockx::Encoding::plain, {offset, length}, length}) + bytes +
         sockx::xxh3_128(bytes);
}

struct Reception {
  sockx::TransferTally tally;
  std::exception_ptr failure;
  std::vector<std::string> refused;  // files, each with its reason
  std::string answer;

  std::string reason() const {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }
};

}  // namespace test
