// The connections of a transfer besides the first.
#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/task_group.hpp"
#include "transfer/verified/receiving_session.hpp"

namespace sockx {

/// Takes as many connections as the Hello says. It never ends before the transfer does, but by an exception.
Task<> ReceivingSession::receive_over_others() {
  TaskGroup receiving(loop_);
  receiving.spawn(take_other_connections(receiving));
  co_await receiving.join();
}

Task<> ReceivingSession::take_other_connections(TaskGroup& receiving) {
  for (unsigned count = 1; count < hello_.streams; ++count) {
    auto connection = co_await next_(hello_.session);
    receiving.spawn(receive_over(std::move(connection)));
  }
  co_await options_.wants_no_more();
}

Task<> ReceivingSession::receive_over(Connection connection) {
  Channel channel(loop_, std::move(connection), last_byte_);
  auto too_late = not_greeted_within(channel, options_.greeting_time);
  co_await with_deadline(greet(channel), after(options_.greeting_time), std::move(too_late));
  Hasher hasher(hello_.digest);
  for (;;) {
    const auto message = co_await channel.receive();
    const auto* const chunk = std::get_if<Chunk>(&message);
    if (chunk == nullptr)
      throw Corrupt(text("{} says on another connection what belongs on the first", channel.peer()));
    if (has_ended(chunk->id)) {  // it was cancelled: the first connection was faster than this one
      co_await skip_chunk(channel, *chunk);
    } else {
      co_await receive_chunk(channel, *chunk, hasher);
    }
  }
}

Task<> ReceivingSession::greet(Channel& channel) {
  const auto first = co_await channel.receive();
  const auto* const hello = std::get_if<Hello>(&first);
  if (hello == nullptr || hello->session != hello_.session || !streams_.insert(hello->stream).second)
    throw Corrupt(text("{} is not a connection of this transfer", channel.peer()));
  channel.put(Welcome{hello_.version});
  co_await channel.flush();
}

}  // namespace sockx
