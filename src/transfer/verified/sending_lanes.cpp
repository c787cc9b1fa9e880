// The connections of a transfer, and how the chunks of a file go over all of them.
#include "base/error.hpp"
#include "base/text.hpp"
#include "os/calls.hpp"
#include "transfer/verified/sending_session.hpp"

namespace sockx {

Lane& SendingSession::add_lane(Connection connection) {
  const LaneOptions how{options_.digest, options_.method, options_.compresses, rate_ ? &*rate_ : nullptr};
  return lanes_.emplace_back(loop_, std::move(connection), last_byte_, how, tally_);
}

/// Where we listen, somebody else may have come in place of the receiver: a connection that does not greet is
/// dropped, for the next one.
Task<> SendingSession::open_lanes() {
  while (lanes_.size() < options_.streams) {
    hello_.stream = static_cast<std::uint16_t>(lanes_.size());
    auto connection = co_await next_();
    auto& lane = add_lane(std::move(connection));
    try {
      co_await greet(lane);
      continue;
    } catch (const std::exception& error) {
      if (!options_.listens) throw;
      options_.warn(text("{}; it is left", error.what()));
    }
    lanes_.pop_back();
  }
}

Task<> SendingSession::greet(Lane& lane) {
  auto& channel = lane.channel();
  auto too_late = text("{}: does it receive with {}?", not_greeted_within(channel, options_.greeting_time),
                       options_.names.verified);
  co_await bounded(exchange_greetings(channel), after(options_.greeting_time), std::move(too_late));
}

Task<> SendingSession::exchange_greetings(Channel& channel) {
  channel.put(hello_);
  co_await channel.flush();
  const auto message = co_await channel.receive();
  if (const auto* const abort = std::get_if<Abort>(&message)) throw *abort;
  const auto* const welcome = std::get_if<Welcome>(&message);
  if (welcome == nullptr) throw Corrupt(text("{} does not greet", channel.peer()));
  if (welcome->version == hello_.version) co_return;
  const auto* const reason = hello_.version >= version_with_links
                                 ? " (symbolic links, or a tree too large to check for them beforehand)"
                                 : "";
  throw Incomplete(text("{} supports protocol version {} only; this transfer needs version {}{}",
                        channel.peer(), welcome->version, hello_.version, reason));
}

/// Bytes on any of the connections that the receiver has not acknowledged.
std::uint64_t SendingSession::unacknowledged() {
  std::uint64_t sum = 0;
  for (auto& lane : lanes_) sum += sockx::unacknowledged(lane.channel().stream().facts()).value_or(0);
  return sum;
}

struct SendingSession::ChunkQueue {
  std::uint32_t id;
  std::deque<Range> chunks;         // still to be sent
  std::exception_ptr failure = {};  // of the file
};

/// Each lane takes the next chunk when it has sent one, unless the receiver has said its last word on the
/// file. The first lane keeps chunks behind what has been said on it. Throws SourceChanged, and Error.
Task<> SendingSession::send_chunks(std::uint32_t id, const SourceFile& source, std::deque<Range> chunks,
                                   Lanes lanes) {
  ChunkQueue queue{id, std::move(chunks)};
  if (lanes == Lanes::first || queue.chunks.size() < 2 || lanes_.size() < 2) {
    co_await send_over(lanes_.front(), source, queue);
  } else {
    std::list<SourceFile> others;  // before the first chunk begins: a lane must not be dropped in one
    while (others.size() < lanes_.size() - 1) others.push_back(source.again());
    TaskGroup group(loop_);
    group.spawn(send_over(lanes_.front(), source, queue));
    for (auto lane = std::next(lanes_.begin()); const auto& other : others)
      group.spawn(send_over(*lane++, other, queue));
    co_await group.join();
  }
  if (queue.failure) std::rethrow_exception(queue.failure);
}

/// When the file fails, the others end after their chunk.
Task<> SendingSession::send_over(Lane& lane, const SourceFile& source, ChunkQueue& queue) {
  auto file = Stream::borrow(loop_, source.described());
  auto& chunks = queue.chunks;
  while (!chunks.empty() && is_unanswered(queue.id)) {
    const auto range = chunks.front();
    chunks.pop_front();
    try {
      co_await lane.send(source, file, queue.id, range);
    } catch (const SourceChanged&) {
      queue.failure = std::current_exception();
    } catch (const Error& error) {
      if (error.origin() != Origin::local_file) throw;
      queue.failure = std::current_exception();
    }
    if (queue.failure) chunks.clear();
  }
  if (&lane != &lanes_.front()) {
    co_await lane.channel().flush();
  }
}

}  // namespace sockx
