#include "transfer/verified/chunk_intake.hpp"

#include <span>
#include <string>

#include "os/error.hpp"
#include "os/text.hpp"
#include "transfer/verified/compression.hpp"

namespace sockx {

/// Where the bytes of a chunk go.
struct ChunkIntake::Intake {
  Begun& begun;
  Hasher& hasher;
  Range left;
};

Task<> ChunkIntake::take(Channel& channel, Chunk chunk, Hasher& hasher) {
  // It may be cancelled before another connection has brought all of this.
  const auto owned = files_.find(chunk.id);
  auto& begun = *owned;
  const auto& range = chunk.range;
  tally_.file = begun.entry.name;
  files_.check(begun, range);
  const Claim claim(begun, range);
  begun.has_chunks = true;
  offering_.open(begun);
  Intake intake{begun, hasher, range};
  if (chunk.encoding == Encoding::zstd) {
    co_await decompress(intake, channel, chunk.encoded_length);
  } else {
    while (intake.left.length > 0) {
      const auto piece = co_await channel.receive_piece(intake.left.length);
      co_await keep(intake, piece);
    }
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
  co_await work_.loop.next_turn();
}

/// Of a file that is refused meanwhile, nothing.
Task<> ChunkIntake::keep(Intake& intake, std::span<const std::byte> piece) {
  intake.hasher.add(piece);
  if (intake.begun.part) intake.begun.part->write(intake.left.offset, piece);
  intake.left = {intake.left.offset + piece.size(), intake.left.length - piece.size()};
  if (work_.is_long()) {
    co_await work_.loop.next_turn();
  }
}

Task<> ChunkIntake::decompress(Intake& intake, Channel& channel, std::uint64_t encoded_length) {
  const auto length = intake.left.length;
  Decompressor decompressor;
  for (auto left = encoded_length; left > 0;) {
    auto piece = co_await channel.receive_piece(left);
    left -= piece.size();
    for (;;) {
      const auto bytes = decompressor.next(piece, work_.loop.scratch());
      if (bytes.size() > intake.left.length)
        throw Corrupt(text("{} bytes decompress to more than {}", encoded_length, length));
      if (bytes.empty() && piece.empty()) break;
      co_await keep(intake, bytes);
    }
  }
  if (!decompressor.has_ended() || intake.left.length > 0)
    throw Corrupt(text("{} bytes do not decompress to {}", encoded_length, length));
}

Task<> ChunkIntake::skip(Channel& channel, Chunk chunk, const Hasher& hasher) {
  for (auto left = chunk.encoded_length + size_of(hasher.kind()); left > 0;) {
    const auto piece = co_await channel.receive_piece(left);
    left -= piece.size();
  }
}

}  // namespace sockx
