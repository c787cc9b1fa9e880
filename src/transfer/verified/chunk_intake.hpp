// ChunkIntake: how chunks come into files, over whichever connection.
#pragma once

#include "transfer/verified/begun_files.hpp"
#include "transfer/verified/channel.hpp"
#include "transfer/verified/digest.hpp"
#include "transfer/verified/offering.hpp"

namespace sockx {

class ChunkIntake {
 public:
  /// All that is referred to is to outlive this.
  ChunkIntake(LongWork work, Channel& control, BegunFiles& files, Offering& offering,
              const VerifiedReceiveOptions& options, TransferTally& tally)
      : work_(work),
        control_(control),
        files_(files),
        offering_(offering),
        options_(options),
        tally_(tally) {}

  /// Takes what follows the message of a chunk from `channel`, into the part of its file. `hasher` is the
  /// channel's own. When the digests differ the file is set aside, and the sender is told. Throws Corrupt for
  /// a chunk that cannot be, Error for the connection and for the local disk.
  Task<> take(Channel& channel, Chunk chunk, Hasher& hasher);
  /// Reads past it.
  Task<> skip(Channel& channel, Chunk chunk, const Hasher& hasher);

 private:
  struct Intake;
  Task<> keep(Intake& intake, std::span<const std::byte> piece);
  Task<> decompress(Intake& intake, Channel& channel, std::uint64_t encoded_length);

  LongWork work_;
  Channel& control_;
  BegunFiles& files_;
  Offering& offering_;
  const VerifiedReceiveOptions& options_;
  TransferTally& tally_;
};

}  // namespace sockx
