// Lane: one connection of a sending session, and how chunks are sent over it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "flow/pump.hpp"
#include "flow/turn_budget.hpp"
#include "transfer/verified/channel.hpp"
#include "transfer/verified/compression.hpp"
#include "transfer/verified/digest.hpp"
#include "transfer/verified/source.hpp"
#include "transfer/verified/tally.hpp"

namespace sockx {

constexpr std::size_t enough_in_line = 256 * 1024;  // bytes: when more are queued, they are sent

struct LaneOptions {
  DigestKind digest = DigestKind::xxh3_128;
  TransferMethod method = TransferMethod::automatic;
  bool compresses = false;    // when that is faster
  RateLimit* rate = nullptr;  // of all lanes together; null: none
};

class Lane {
 public:
  /// Keeps `last_byte` and `tally` up to date.
  Lane(EventLoop& loop, Connection connection, Clock::time_point& last_byte, LaneOptions options,
       TransferTally& tally);

  Channel& channel() { return channel_; }
  Hasher& hasher() { return hasher_; }

  /// Sends a range of the file, which `file` is a stream of; small ranges are queued until there is enough,
  /// or the channel is flushed. When reading fails in the middle, the receiver is told that the chunk is
  /// void, and SourceChanged, or Error with Origin::local_file, is thrown.
  Task<> send(const SourceFile& source, Stream& file, std::uint32_t id, Range range);
  /// Queues bytes from memory as a chunk.
  Task<> put(std::uint32_t id, std::uint64_t offset, std::span<const std::byte> bytes);

 private:
  Task<> send_from_memory(const SourceFile& source, std::uint32_t id, Range range);
  Task<> send_from_file(const SourceFile& source, Stream& file, std::uint32_t id, Range range);
  Task<> fill_up(std::uint64_t missing);
  Task<> wait_for_allowance(std::uint64_t bytes);
  void count(std::uint64_t size, std::uint64_t encoded_size);

  EventLoop& loop_;
  TurnBudget work_;
  LaneOptions options_;
  TransferTally& tally_;
  Channel channel_;
  Hasher hasher_;
  std::optional<CompressionTrial> trial_;
};

}  // namespace sockx
