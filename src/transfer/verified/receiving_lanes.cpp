#include "transfer/verified/receiving_lanes.hpp"

#include <chrono>
#include <utility>

#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

Task<> ReceivingLanes::run(NextLane next) {
  group_.spawn(open(std::move(next)));
  co_await group_.join();
}

Task<> ReceivingLanes::open(NextLane next) {
  for (unsigned count = 1; count < hello_.streams; ++count) {
    auto connection = co_await next(hello_.session);
    group_.spawn(take(std::move(connection)));
  }
}

Task<> ReceivingLanes::take(Connection connection) {
  Channel channel(loop_, std::move(connection), last_byte_);
  auto too_late = text("{} has not greeted within {:g} s", channel.peer(),
                       std::chrono::duration<double>(greeting_time_).count());
  co_await bounded(greet(channel), after(greeting_time_), std::move(too_late));
  Hasher hasher(hello_.digest);
  for (;;) {
    const auto message = co_await channel.receive();
    const auto* const chunk = std::get_if<Chunk>(&message);
    if (chunk == nullptr)
      throw Corrupt(text("{} says on another connection what belongs on the first", channel.peer()));
    if (files_.has_ended(chunk->id)) {  // it was cancelled, which another connection has told sooner
      co_await intake_.skip(channel, *chunk, hasher);
    } else {
      co_await intake_.take(channel, *chunk, hasher);
    }
  }
}

Task<> ReceivingLanes::greet(Channel& channel) {
  const auto first = co_await channel.receive();
  const auto* const hello = std::get_if<Hello>(&first);
  if (hello == nullptr || hello->session != hello_.session || !numbers_.insert(hello->stream).second)
    throw Corrupt(text("{} is no connection of this transfer", channel.peer()));
  channel.put(Welcome{hello_.version});
  co_await channel.flush();
}

}  // namespace sockx
