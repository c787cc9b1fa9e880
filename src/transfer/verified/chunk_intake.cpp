#include "transfer/verified/chunk_intake.hpp"

#include <span>
#include <string>
#include <vector>

#include "os/text.hpp"
#include "transfer/verified/compression.hpp"

namespace sockx {

Task<> ChunkIntake::take(Channel& channel, Chunk chunk, Hasher& hasher) {
  // It may be cancelled before another connection has brought all of this.
  const auto owned = files_.find(chunk.id);
  auto& begun = *owned;
  const auto& range = chunk.range;
  tally_.file = begun.entry.name;
  files_.check(begun, range);
  auto offset = range.offset;
  const auto keep = [&](std::span<const std::byte> piece) {
    hasher.add(piece);
    if (begun.part) begun.part->write(offset, piece);
    offset += piece.size();
  };
  if (chunk.encoding == Encoding::plain) {
    co_await channel.receive_payload(chunk.encoded_length, keep);
  } else {
    std::vector<std::byte> compressed;
    co_await channel.receive_payload(chunk.encoded_length, [&](std::span<const std::byte> piece) {
      compressed.insert(compressed.end(), piece.begin(), piece.end());
    });
    keep(decompress(compressed, static_cast<std::size_t>(range.length)));
  }
  const auto digest = co_await channel.receive_bytes(size_of(hasher.kind()));
  const bool is_void = digest.find_first_not_of('\0') == std::string::npos;
  const bool is_same = hasher.finish() == digest;
  if (!begun.part || is_void) co_return;
  if (!is_same) {
    files_.set_aside(begun,
                     text("the {} bytes at {} are not those that were sent", range.length, range.offset));
    co_await control_.flush();
    co_return;
  }
  begun.part->add_verified(range, digest);
  tally_.bytes += range.length;
  tally_.encoded += chunk.encoded_length;
  ++tally_.chunks;
  files_.changed().notify();
  if (options_.most && range.end() > *options_.most) {
    files_.refuse_as_too_long(begun);
    co_await control_.flush();
  }
  co_await loop_.next_turn();
}

Task<> ChunkIntake::skip(Channel& channel, Chunk chunk, const Hasher& hasher) {
  co_await channel.receive_payload(chunk.encoded_length + size_of(hasher.kind()), [](auto) {});
}

}  // namespace sockx
