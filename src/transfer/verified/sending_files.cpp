// The bytes of announced files, and how they go over all of the connections.
#include <algorithm>
#include <deque>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/file_calls.hpp"
#include "os/calls.hpp"
#include "transfer/verified/sending_session.hpp"

namespace sockx {

namespace {

constexpr std::size_t chunk_size = 1024 * 1024;  // bytes of a file

/// Into pieces that do not cross a multiple of the chunk size.
void cut(const Range& range, std::deque<Range>& chunks) {
  for (auto offset = range.offset; offset < range.end();) {
    const auto end = std::min(range.end(), (offset / chunk_size + 1) * chunk_size);
    chunks.push_back({offset, end - offset});
    offset = end;
  }
}

/// Standard input may be a file on a slow disk.
IoResult read_next(Stream& source, std::span<std::byte> room, FileCalls& calls) {
  const auto begun = Clock::now();
  const auto got = source.read_some(room.first(std::min<std::size_t>(room.size(), calls.bytes())));
  const auto took = Clock::now() - begun;
  if (source.facts().is_file())
    calls.note_read(source.facts().fd, took, got.bytes);
  else
    calls.note(took, got.bytes);
  return got;
}

Task<> until_readable(Stream& input) { co_await input.readable(); }

}  // namespace

/// What the receiver has of a file, and how the rest is sent.
struct SendingSession::Wanted {
  RangeSet there;
  bool over_first_lane_only = false;
};

/// Sends what the receiver does not have, or cancels the file: when one fails the others go on.
Task<> SendingSession::send_file(std::uint32_t id, const SourceFile& source) {
  const auto& path = source.described().name;
  std::exception_ptr failure;
  try {
    tally_.file = path;
    const auto wanted = co_await ask(id, source);
    if (wanted && source.has_size()) {
      co_await send_regular(id, source, *wanted);
    } else if (wanted) {
      co_await send_stream(id, source);
    }
  } catch (const SourceChanged&) {
    failure = changed_while_sent(path);
  } catch (const Error& error) {
    if (error.origin() != Origin::local_file) throw;
    failure = std::current_exception();
  }
  if (!failure) co_return;
  fail(id, failure);  // unless it has failed at the receiver
  control().put(Cancel{id, "the sender could not read it whole"});
}

/// Nothing when the receiver does not want the file.
Task<std::optional<SendingSession::Wanted>> SendingSession::ask(std::uint32_t id, const SourceFile& source) {
  std::optional<Offer> offer;
  while (!offer) {
    if (!is_unanswered(id)) co_return std::nullopt;
    auto& entry = unanswered_.at(id);
    entry.expects_last_word = entry.offer.has_value();
    offer = std::exchange(entry.offer, std::nullopt);
    if (!offer) {
      co_await send_or_wait();
    }
  }
  const auto& path = source.described().name;
  Wanted wanted;
  switch (offer->state) {
    case Offer::State::all:
    case Offer::State::unwanted:
      settle(*offer);
      co_return std::nullopt;
    case Offer::State::changed:
      options_.tell({FileEvent::Kind::changed, path});
      break;
    case Offer::State::part: {
      const bool is_part_of_it = co_await has_samples(source, *offer);
      if (is_part_of_it) {
        for (const auto& range : offer->have) wanted.there.add(range);
        options_.tell({FileEvent::Kind::resumed, path, wanted.there.bytes()});
      } else {
        control().put(Restart{id});
        wanted.over_first_lane_only = true;  // on another one a chunk could come before the Restart
        options_.tell({FileEvent::Kind::changed, path});
      }
      break;
    }
    case Offer::State::nothing:
      break;
  }
  co_return wanted;
}

/// Whether a part is of this file, as far as its samples tell.
Task<bool> SendingSession::has_samples(const SourceFile& source, const Offer& part) {
  const auto fits = [&](const Range& range) { return range.end() <= source.size(); };
  if (!std::ranges::all_of(part.have, fits)) co_return false;
  for (const auto& sample : part.samples) {
    if (!fits(sample.range)) co_return false;
    const auto digest = co_await source.digest_of(sample.range, lanes_.front().hasher(), budget());
    if (digest != sample.digest) co_return false;
  }
  co_return true;
}

Task<> SendingSession::send_regular(std::uint32_t id, const SourceFile& source, const Wanted& wanted) {
  const auto& there = wanted.there;
  std::deque<Range> chunks;
  const auto stretches = co_await source.data(budget());
  for (const auto& range : stretches)
    for (const auto& gap : there.missing_from(range)) cut(gap, chunks);
  auto data = there.bytes();
  for (const auto& range : chunks) data += range.length;
  tally_.holes += source.size() - data;
  tally_.resumed += there.bytes();
  co_await send_chunks(id, source, std::move(chunks), wanted.over_first_lane_only);
  if (source.has_changed()) throw SourceChanged();
  control().put(End{id, source.size(), data});
}

/// What has no size, and can be read only once: chunk by chunk through memory.
Task<> SendingSession::send_stream(std::uint32_t id, const SourceFile& source) {
  auto input = Stream::borrow(loop_, source.described());
  std::vector<std::byte> buffer(chunk_size);
  FileCalls calls(usual_most_read);
  std::uint64_t size = 0;
  co_await control().flush();
  co_await wait_for_input(input, id);  // a FIFO cannot be read before it has a writer
  for (bool has_ended = false; !has_ended && is_unanswered(id);) {
    std::size_t filled = 0;
    while (filled < buffer.size() && !has_ended && is_unanswered(id)) {
      const auto got = read_next(input, std::span(buffer).subspan(filled), calls);
      filled += got.bytes;
      has_ended = got.state == IoResult::State::eof;
      if (got.state == IoResult::State::moved) last_byte_ = loop_.now();
      if (got.state == IoResult::State::again) {
        co_await wait_for_input(input, id);
      } else if (budget().is_spent()) {
        co_await loop_.next_turn();
      }
    }
    if (filled == 0 || !is_unanswered(id)) break;
    co_await lanes_.front().put(id, size, std::span(buffer).first(filled));
    co_await control().flush();
    co_await loop_.next_turn();
    size += filled;
  }
  if (const auto found = unanswered_.find(id); found != unanswered_.end()) found->second.size = size;
  control().put(End{id, size, size});
}

/// Or until the receiver has said that it does not want the file any more.
Task<> SendingSession::wait_for_input(Stream& input, std::uint32_t id) {
  co_await any(until_readable(input), wait_for_end_of(id));
}

Lane& SendingSession::add_lane(Connection connection) {
  const LaneOptions how{options_.digest, options_.method, options_.compresses, rate_ ? &*rate_ : nullptr};
  return lanes_.emplace_back(loop_, std::move(connection), last_byte_, how, tally_);
}

/// If we listen, another client may have connected instead of the receiver: a connection without a Welcome is
/// dropped, and the next one accepted.
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
  co_await with_deadline(exchange_greetings(channel), after(options_.greeting_time), std::move(too_late));
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
                                   bool over_first_lane_only) {
  ChunkQueue queue{id, std::move(chunks)};
  if (over_first_lane_only || queue.chunks.size() < 2 || lanes_.size() < 2) {
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
