// ChunkIntake: how chunks come into files, over whichever connection.
#pragma once

#include "transfer/verified/begun_files.hpp"
#include "transfer/verified/channel.hpp"
#include "transfer/verified/digest.hpp"

namespace sockx {

class ChunkIntake {
 public:
  /// All that is referred to is to outlive this.
  ChunkIntake(EventLoop& loop, Channel& control, BegunFiles& files, const VerifiedReceiveOptions& options,
              TransferTally& tally)
      : loop_(loop), control_(control), files_(files), options_(options), tally_(tally) {}

  /// Takes what follows the message of a chunk from `channel`, into the part of its file. `hasher` is the
  /// channel's own. When the digests differ the file is set aside, and the sender is told. Throws Corrupt for
  /// a chunk that cannot be, Error for the connection and for the local disk.
  Task<> take(Channel& channel, Chunk chunk, Hasher& hasher);
  /// Reads past it.
  Task<> skip(Channel& channel, Chunk chunk, const Hasher& hasher);

 private:
  EventLoop& loop_;
  Channel& control_;
  BegunFiles& files_;
  const VerifiedReceiveOptions& options_;
  TransferTally& tally_;
};

}  // namespace sockx
