// Bytes of files, chunk by chunk, over any of the connections.
#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "transfer/verified/compression.hpp"
#include "transfer/verified/receiving_session.hpp"

namespace sockx {

/// While it exists, its range is among those that no other chunk may write.
struct ReceivingSession::ArrivingChunk : NonCopyable {
  ArrivingChunk(std::shared_ptr<IncomingEntry> entry, const Chunk& chunk, Channel& from, Hasher& of_channel)
      : incoming(std::move(entry)), range(chunk.range), left(range), channel(from), hasher(of_channel) {
    incoming->arriving.insert(&range);
  }
  ~ArrivingChunk() { incoming->arriving.erase(&range); }

  const std::shared_ptr<IncomingEntry> incoming;  // it may be cancelled meanwhile
  const Range range;
  Range left;
  Channel& channel;
  Hasher& hasher;
};

/// Takes what follows the message of the chunk. `hasher` is the channel's own. When the digests differ, the
/// part of the file is set aside, and the sender is told.
Task<> ReceivingSession::receive_chunk(Channel& channel, Chunk chunk, Hasher& hasher) {
  const auto owned = find(chunk.id);
  auto& incoming = *owned;
  const auto& range = chunk.range;
  tally_.file = incoming.entry.name;
  check(incoming, range);
  ArrivingChunk arriving(owned, chunk, channel, hasher);
  incoming.has_chunks = true;
  co_await open(incoming);
  if (chunk.encoding == Encoding::zstd) {
    co_await decompress(arriving, chunk.encoded_length);
  } else {
    while (arriving.left.length > 0) {
      const auto piece = co_await channel.receive_piece(arriving.left.length);
      co_await write(arriving, piece);
    }
  }
  const auto digest = co_await channel.receive_bytes(size_of(hasher.kind()));
  const bool is_void = digest.find_first_not_of('\0') == std::string::npos;
  const bool is_same = hasher.finish() == digest;
  if (!incoming.part || is_void) co_return;
  if (!is_same) {
    incoming.mismatch = text("the {} bytes at {} are not those that were sent", range.length, range.offset);
    incoming.set_aside = std::move(incoming.part);
    stop(incoming, Status::integrity_mismatch, incoming.mismatch);
    co_await control_.flush();
    co_return;
  }
  incoming.part->add_verified(range, digest);
  tally_.bytes += range.length;
  tally_.encoded += chunk.encoded_length;
  ++tally_.chunks;
  changed_.notify();
  if (options_.most && range.end() > *options_.most) {
    refuse_as_too_long(incoming);
    co_await control_.flush();
  }
  co_await loop_.next_turn();
}

/// Throws Corrupt for a chunk that would write what has been verified, what another chunk is writing, or
/// beyond the end.
void ReceivingSession::check(const IncomingEntry& incoming, const Range& range) const {
  const auto& entry = incoming.entry;
  const auto overlaps = [&](const Range* other) { return other->overlaps(range); };
  if (entry.kind == EntryKind::directory || range.end() > entry.size)
    throw Corrupt(text("{} has no {} bytes at {}", shown(entry), range.length, range.offset));
  if (!incoming.is_offered) throw Corrupt(text("{}: it comes before the answer to its entry", shown(entry)));
  if (incoming.is_closed) throw Corrupt(text("{}: bytes of it come after its end", shown(entry)));
  if (incoming.part && incoming.part->verified().overlaps(range))
    throw Corrupt(text("{}: the {} bytes at {} came before", shown(entry), range.length, range.offset));
  if (std::ranges::any_of(incoming.arriving, overlaps))
    throw Corrupt(text("{}: the {} bytes at {} are coming on another connection", shown(entry), range.length,
                       range.offset));
  if (stretches() > most_stretches)
    throw Corrupt(text("{} comes in more than {} pieces", shown(entry), most_stretches));
}

/// Drops the bytes of a file that has been refused meanwhile.
Task<> ReceivingSession::write(ArrivingChunk& chunk, std::span<const std::byte> piece) {
  chunk.hasher.add(piece);
  if (chunk.incoming->part) chunk.incoming->part->write(chunk.left.offset, piece);
  chunk.left = {chunk.left.offset + piece.size(), chunk.left.length - piece.size()};
  if (budget().is_spent()) {
    co_await loop_.next_turn();
  }
}

Task<> ReceivingSession::decompress(ArrivingChunk& chunk, std::uint64_t encoded_length) {
  Decompressor decompressor;
  for (auto left = encoded_length; left > 0;) {
    auto piece = co_await chunk.channel.receive_piece(left);
    left -= piece.size();
    for (;;) {
      const auto bytes = decompressor.next(piece, loop_.scratch());
      if (bytes.size() > chunk.left.length)
        throw Corrupt(text("{} bytes decompress to more than {}", encoded_length, chunk.range.length));
      if (bytes.empty() && piece.empty()) break;
      co_await write(chunk, bytes);
    }
  }
  if (!decompressor.has_ended() || chunk.left.length > 0)
    throw Corrupt(text("{} bytes do not decompress to {}", encoded_length, chunk.range.length));
}

/// Reads past what follows the message of the chunk.
Task<> ReceivingSession::skip_chunk(Channel& channel, Chunk chunk) {
  for (auto left = chunk.encoded_length + size_of(hello_.digest); left > 0;) {
    const auto piece = co_await channel.receive_piece(left);
    left -= piece.size();
  }
}

}  // namespace sockx
