// Channel: several tasks put messages and flush, some are dropped in the middle, and every frame stays whole.
#include "transfer/verified/channel.hpp"

#include "../../support/connections.hpp"
#include "../../support/far_ends.hpp"
#include "ends.hpp"
#include "os/calls.hpp"
#include "os/socket_query.hpp"

using namespace sockx;
using namespace test;

namespace {

constexpr std::size_t much = 2'000'000;  // bytes: more than any socket buffers here hold

/// A channel, and the socket at its far end.
struct Ends {
  explicit Ends(EventLoop& loop) : Ends(loop, unix_pair()) {}
  Ends(EventLoop& loop, SocketEnds pair)
      : channel(loop, connection(loop, std::move(pair.ours), "the far end"), last_byte),
        far(loop, std::move(pair.theirs)) {}
  Clock::time_point last_byte;
  Channel channel;
  FarEnd far;
};

/// Messages, as many as make `much` bytes.
std::string put_much(Channel& channel) {
  std::string all;
  while (all.size() < much) {
    const Abort message{Status::other_failure, noise(60'000, all.size())};
    channel.put(message);
    all += encode(message);
  }
  return all;
}

Task<> put_and_flush(Channel& channel, Message message, bool& is_sent) {
  channel.put(message);
  co_await channel.flush();
  is_sent = true;
}

/// The messages that `bytes` are; throws Corrupt when they are anything else.
std::vector<Message> messages_in(std::string_view bytes) {
  std::vector<Message> all;
  while (!bytes.empty()) {
    const auto length =
        frame_header_size + decode_header(bytes.substr(0, frame_header_size)).length + frame_digest_size;
    all.push_back(decode(bytes.substr(0, length)));
    bytes.remove_prefix(length);
  }
  return all;
}

}  // namespace

TEST_CASE("channel: what one task puts while another flushes is sent behind it, and both wait for that") {
  EventLoop loop;
  Ends ends(loop);
  std::string expected, heard;
  bool first_is_sent = false, second_is_sent = false;
  const auto run = [&]() -> Task<> {
    TaskGroup group(loop);
    expected = put_much(ends.channel);
    group.spawn(put_and_flush(ends.channel, Done{1}, first_is_sent));
    group.spawn(put_and_flush(ends.channel, Done{2}, second_is_sent));
    expected += encode(Done{1}) + encode(Done{2});
    CHECK_FALSE(first_is_sent);
    CHECK_FALSE(second_is_sent);
    group.spawn(read_until(ends.far, heard, expected.size()));
    co_await group.join();
  };
  loop.run(run());
  CHECK(first_is_sent);
  CHECK(second_is_sent);
  CHECK(difference(heard, expected) == "");
  CHECK(ends.channel.unsent() == 0);
}

TEST_CASE("channel: when a task that flushes is dropped, another that waits for it sends the rest") {
  EventLoop loop;
  Ends ends(loop);
  std::string expected, heard;
  bool first_is_sent = false, second_is_sent = false;
  const auto run = [&]() -> Task<> {
    TaskGroup group(loop);
    expected = put_much(ends.channel) + encode(Done{1}) + encode(Done{2});
    auto& first = group.spawn(put_and_flush(ends.channel, Done{1}, first_is_sent));
    group.spawn(put_and_flush(ends.channel, Done{2}, second_is_sent));
    group.cancel(first);
    group.spawn(read_until(ends.far, heard, expected.size()));
    co_await group.join();
  };
  loop.run(run());
  CHECK_FALSE(first_is_sent);
  CHECK(second_is_sent);
  CHECK(difference(heard, expected) == "");
}

TEST_CASE("channel: a TCP peer is probed when it is silent") {
  EventLoop loop;
  Ends ends(loop, tcp_pair());
  CHECK(socket_query(ends.channel.stream().facts().fd, SO_KEEPALIVE, "SO_KEEPALIVE") == 1);
}

TEST_CASE("channel: of a frame that has gone in part, the rest is kept when what is in line is dropped") {
  EventLoop loop;
  Ends ends(loop);
  std::string heard;
  bool is_sent = false;
  const auto run = [&]() -> Task<> {
    TaskGroup group(loop);
    put_much(ends.channel);
    auto& flushing = group.spawn(put_and_flush(ends.channel, Done{1}, is_sent));
    co_await read_until(ends.far, heard, 100'001);
    co_await loop.next_turn();
    group.cancel(flushing);
    ends.channel.drop_unsent();
    CHECK(ends.channel.unsent() < frame_header_size + largest_body + frame_digest_size);
    group.spawn(put_and_flush(ends.channel, Abort{Status::incomplete, "the end"}, is_sent));
    group.spawn([](Ends& both, std::string& bytes, bool& has_all) -> Task<> {
      while (!has_all) {
        co_await read_until(both.far, bytes, bytes.size() + 1);
      }
    }(ends, heard, is_sent));
    co_await group.join();
    shutdown_write(ends.channel.stream().facts());
    co_await read_to_end(ends.far, heard);
  };
  loop.run(run());
  CHECK(heard.size() < much);
  const auto messages = messages_in(heard);
  const auto* const last = std::get_if<Abort>(&messages.back());
  REQUIRE(last != nullptr);
  CHECK(last->reason == "the end");
}
