#include "transfer/verified/sending_lanes.hpp"

#include <sys/random.h>

#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

SessionId new_session() {
  SessionId id;
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) throw_errno("getrandom");
  return id;
}

}  // namespace

SendingLanes::SendingLanes(EventLoop& loop, Connection first, NextConnection next,
                           const VerifiedSendOptions& options, TransferTally& tally)
    : loop_(loop), options_(options), tally_(tally), next_(std::move(next)) {
  if (options_.rate) rate_.emplace(*options_.rate);
  hello_.digest = options_.digest;
  hello_.streams = static_cast<std::uint16_t>(options_.streams);
  hello_.session = new_session();
  add(std::move(first));
}

Lane& SendingLanes::add(Connection connection) {
  const LaneOptions how{options_.digest, options_.method, options_.compresses, rate_ ? &*rate_ : nullptr};
  return lanes_.emplace_back(loop_, std::move(connection), last_byte_, how, tally_);
}

std::uint64_t SendingLanes::unacknowledged() {
  std::uint64_t sum = 0;
  for (auto& lane : lanes_) sum += sockx::unacknowledged(lane.channel().stream().facts()).value_or(0);
  return sum;
}

Task<> SendingLanes::greet_first(const std::optional<SourceTotals>& totals) {
  // A receiver of the first version does without links, and so does a transfer that has none.
  if (!totals || totals->has_links) hello_.version = version_with_links;
  if (totals && totals->has_sizes) {
    hello_.files = totals->files;
    hello_.bytes = totals->bytes;
  }
  co_await greet(first());
}

Task<> SendingLanes::open_others() {
  while (lanes_.size() < options_.streams) {
    hello_.stream = static_cast<std::uint16_t>(lanes_.size());
    auto connection = co_await next_();
    auto& lane = add(std::move(connection));
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

Task<> SendingLanes::greet(Lane& lane) {
  auto& channel = lane.channel();
  auto message = text("{} has not greeted within {:g} s: does it receive with --verified?", channel.peer(),
                      std::chrono::duration<double>(options_.greeting_time).count());
  co_await bounded(exchange_greetings(channel), after(options_.greeting_time), std::move(message));
}

Task<> SendingLanes::exchange_greetings(Channel& channel) {
  channel.put(hello_);
  co_await channel.flush();
  auto message = co_await channel.receive();
  if (const auto* const abort = std::get_if<Abort>(&message)) throw *abort;
  const auto* const welcome = std::get_if<Welcome>(&message);
  if (welcome == nullptr) throw Corrupt(text("{} does not greet", channel.peer()));
  if (welcome->version == hello_.version) co_return;
  const auto* const reason =
      takes_links() ? " (symbolic links, or a tree too large to check for them beforehand)" : "";
  throw Incomplete(text("{} supports protocol version {} only; this transfer needs version {}{}",
                        channel.peer(), welcome->version, hello_.version, reason));
}

Task<> SendingLanes::send_chunks(std::uint32_t id, const SourceFile& source, std::deque<Range> chunks,
                                 const Unanswered& unanswered, Use use) {
  Sending sending{id, std::move(chunks), unanswered};
  if (use == Use::first || sending.chunks.size() < 2 || lanes_.size() < 2) {
    co_await send_over(first(), source, sending);
  } else {
    std::list<SourceFile> others;  // before the first chunk begins: a lane must not be dropped in one
    while (others.size() < lanes_.size() - 1) others.push_back(source.again());
    TaskGroup group(loop_);
    group.spawn(send_over(first(), source, sending));
    for (auto lane = std::next(lanes_.begin()); const auto& other : others)
      group.spawn(send_over(*lane++, other, sending));
    co_await group.join();
  }
  if (sending.failure) std::rethrow_exception(sending.failure);
}

/// A failure of the file ends the others after the chunks that they are at.
Task<> SendingLanes::send_over(Lane& lane, const SourceFile& source, Sending& sending) {
  auto file = Stream::borrow(loop_, source.described());
  auto& chunks = sending.chunks;
  while (!chunks.empty() && sending.unanswered.contains(sending.id)) {
    const auto range = chunks.front();
    chunks.pop_front();
    try {
      co_await lane.send(source, file, sending.id, range);
    } catch (const SourceChanged&) {
      sending.failure = std::current_exception();
    } catch (const Error& error) {
      if (error.origin() != Origin::local_file) throw;
      sending.failure = std::current_exception();
    }
    if (sending.failure) chunks.clear();
  }
  if (&lane != &first()) {
    co_await lane.channel().flush();
  }
}

}  // namespace sockx
