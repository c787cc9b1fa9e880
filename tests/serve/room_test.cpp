#include "serve/room.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <string>

#include "../support/connections.hpp"
#include "../support/descriptors.hpp"
#include "../support/far_ends.hpp"
#include "../support/in_child.hpp"
#include "flow/task_group.hpp"
#include "serve/handler.hpp"

using namespace sockx;
using namespace std::chrono_literals;

namespace {

std::span<const std::byte> speech(const std::string& text) { return std::as_bytes(std::span(text)); }

/// A client of a handler, and the test's end of its connection.
struct Joined {
  Client client;
  test::FarEnd far;

  Joined(EventLoop& loop, std::uint64_t number) : Joined(loop, number, test::unix_pair()) {}
  Joined(EventLoop& loop, std::uint64_t number, test::SocketEnds ends, std::string name = "client")
      : client(loop, test::connection(loop, std::move(ends.ours), std::move(name)), Seat{number}),
        far(loop, std::move(ends.theirs)) {}
};

Task<> never_speaks() {
  auto& loop = co_await this_loop();
  co_await loop.sleep_until(never);
}

Task<> serve(Handler& handler, Client& client) { co_await handler.serve(client); }

/// Joins the members to a broker. `speakers` of them say 64 KiB each, all in one turn of the loop.
Task<> speak_at_once(Handler& broker, std::deque<Joined>& members, std::size_t speakers) {
  auto& loop = co_await this_loop();
  TaskGroup group(loop);
  for (auto& member : members) group.spawn(serve(broker, member.client));
  co_await loop.next_turn();
  const std::string words(64 * 1024, 'x');
  for (std::size_t i = 0; i < speakers; ++i) test::put(members[i].far.fd.get(), words);
  std::deque<std::string> heard(members.size());
  const auto due = [&](std::size_t i) { return (i < speakers ? speakers - 1 : speakers) * words.size(); };
  for (std::size_t i = 0; i < members.size(); ++i)
    group.spawn(test::read_until(members[i].far, heard[i], due(i)));
  while (group.running() > members.size()) {
    const bool has_ended = co_await group.next_end(after(60s));  // throws when a member is cut off
    REQUIRE(has_ended);
  }
  for (std::size_t i = 0; i < members.size(); ++i) CHECK(heard[i].size() == due(i));
}

}  // namespace

TEST_CASE("room: 30 members that say 64 KiB each in one turn reach all 35, who read") {
  EventLoop loop;
  const auto broker = make_broker(loop, {});
  std::deque<Joined> members;
  for (std::uint64_t number = 1; number <= 35; ++number) members.emplace_back(loop, number);
  loop.run(speak_at_once(*broker, members, 30));
}

namespace {

Task<> serve_until_it_fails(Handler& handler, Client& client) {
  try {
    co_await handler.serve(client);
  } catch (const Error&) {  // its connection is broken
  }
}

/// All but one of the members hold a long line, and close their connections in one turn.
Task<> close_at_once(Handler& broker, std::deque<Joined>& members, Joined& reader) {
  auto& loop = co_await this_loop();
  TaskGroup group(loop);
  for (auto& member : members) group.spawn(serve_until_it_fails(broker, member.client));
  const std::string words(65'000, 'x');
  for (auto& member : members) test::put(member.far.fd.get(), words);
  while (members.back().client.tally.received < words.size()) {
    co_await loop.next_turn();
  }
  group.spawn(serve(broker, reader.client));
  for (auto& member : members) shutdown(member.far.fd.get(), SHUT_RDWR);  // as close(2) does
  std::string heard;
  const auto due = members.size() * (words.size() + 1);
  group.spawn(test::read_until(reader.far, heard, due));
  while (group.running() > 1) {
    const bool has_ended = co_await group.next_end(after(60s));  // throws when the reader is cut off
    REQUIRE(has_ended);
  }
  CHECK(heard.size() == due);
}

}  // namespace

TEST_CASE("room: the last lines of 30 members that close in one turn reach one that reads") {
  EventLoop loop;
  const auto broker = make_broker(loop, {.whole_lines = true});
  std::deque<Joined> members;
  for (std::uint64_t number = 1; number <= 30; ++number) members.emplace_back(loop, number);
  Joined reader(loop, 31);
  loop.run(close_at_once(*broker, members, reader));
}

namespace {

Task<> serve_until_it_speaks(Handler& broker, Client& client) {
  auto& loop = co_await this_loop();
  TaskGroup group(loop);
  auto& task = group.spawn(serve(broker, client));
  while (client.tally.received == 0) {
    co_await loop.next_turn();
  }
  group.cancel(task);
}

/// One of two members is dropped with a part of a line.
Task<> drop_one(Handler& broker, Joined& dropped, Joined& reader) {
  auto& loop = co_await this_loop();
  TaskGroup group(loop);
  group.spawn(serve(broker, reader.client));
  test::put(dropped.far.fd.get(), "its last words");
  co_await serve_until_it_speaks(broker, dropped.client);
  CHECK(!dropped.client.cut.has_caught_up());
  std::string heard;
  auto reading = test::read_until(reader.far, heard, 15);
  co_await with_deadline(std::move(reading), after(60s), "nothing was heard");
  CHECK(heard == "its last words\n");
}

}  // namespace

TEST_CASE("room: the last line of a member that is dropped is said") {
  EventLoop loop;
  const auto broker = make_broker(loop, {.whole_lines = true});
  Joined dropped(loop, 1), reader(loop, 2);
  loop.run(drop_one(*broker, dropped, reader));
}

namespace {

constexpr std::size_t long_name = 60'000;

/// All but one of the members end in one turn; that one reads everything.
Task<> join_and_leave(Handler& chat, std::deque<Joined>& members) {
  auto& loop = co_await this_loop();
  TaskGroup group(loop);
  std::deque<std::string> heard(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    group.spawn(serve_until_it_fails(chat, members[i].client));
    group.spawn(test::read_to_end(members[i].far, heard[i]));
  }
  const auto& last = heard.back();
  while (std::ranges::count(heard.front(), '\n') < static_cast<std::ptrdiff_t>(members.size())) {
    co_await loop.next_turn();
  }
  for (std::size_t i = 0; i + 1 < members.size(); ++i) shutdown(members[i].far.fd.get(), SHUT_RDWR);
  while (std::ranges::count(last, '\n') < static_cast<std::ptrdiff_t>(members.size())) {
    co_await loop.next_turn();
    group.throw_failure();  // when it is cut off
  }
}

/// Runs a chat whose operator says nothing, and whose output nobody wants; returns an exit status.
int join_and_leave_in_chat() {
  const auto silent = test::make_pipe_ends();
  dup2(silent.read.get(), STDIN_FILENO);
  dup2(test::open_null().get(), STDOUT_FILENO);
  EventLoop loop;
  const auto chat = make_chat(loop, [](const std::string&) {});
  std::deque<Joined> members;
  for (std::uint64_t number = 1; number <= 25; ++number) {
    const std::string name(long_name, static_cast<char>('a' + number - 1));
    members.emplace_back(loop, number, test::unix_pair(), name);
  }
  loop.run(join_and_leave(*chat, members));
  return 0;
}

}  // namespace

TEST_CASE("room: one that reads hears of all 24 members of a chat that leave in one turn") {
  CHECK(test::in_child(join_and_leave_in_chat).exited_with(0));
}

namespace {

/// In five turns of the loop; each bit of `turns` tells whether it says a byte in one of them.
Task<> say_in(Room& room, unsigned turns) {
  auto& loop = co_await this_loop();
  for (; turns != 0; turns /= 2) {
    if (turns % 2 != 0) room.say(0, speech("x"));
    co_await loop.next_turn();
  }
}

Task<> take_part(Room& room, Client& client) {
  Room::Member member(room, client);
  auto hearing = never_speaks();
  co_await room.converse(member, std::move(hearing));
}

/// One speaker has its turns before the member has, another has them after it.
Task<> feed_before_and_after(Room& room, Joined& joined, unsigned before, unsigned after_it) {
  auto& loop = co_await this_loop();
  TaskGroup group(loop);
  group.spawn(say_in(room, before << 1));  // nothing before the member is there
  group.spawn(take_part(room, joined.client));
  group.spawn(say_in(room, after_it));
  std::string heard;
  const auto due = static_cast<std::size_t>(std::popcount(before) + std::popcount(after_it));
  auto reading = test::read_until(joined.far, heard, due);
  co_await with_deadline(std::move(reading), after(60s), "the member was forgotten");
}

}  // namespace

TEST_CASE("room: a member is told of what is said in a turn in which it has been told something already") {
  for (unsigned before = 1; before < 32; ++before)
    for (unsigned after_it = 1; after_it < 32; ++after_it) {
      CAPTURE(before);
      CAPTURE(after_it);
      EventLoop loop;
      Room room(loop);
      Joined joined(loop, 1, test::tcp_pair());
      REQUIRE_NOTHROW(loop.run(feed_before_and_after(room, joined, before, after_it)));
    }
}

namespace {

/// 8 MB for two members, one of which does not read.
Task<> feed_beside_the_deaf(Room& room, Joined& deaf, Joined& hearing) {
  auto& loop = co_await this_loop();
  TaskGroup group(loop);
  group.spawn(take_part(room, deaf.client));
  TaskGroup listening(loop);
  listening.spawn(take_part(room, hearing.client));
  std::string heard;
  const std::string words(64 * 1024, 'x');
  constexpr std::size_t times = 128;
  listening.spawn(test::read_until(hearing.far, heard, times * words.size()));
  for (std::size_t i = 0; i < times; ++i) {
    co_await room.wait_for_room(0);
    room.say(0, speech(words));
  }
  const bool has_ended = co_await listening.next_end(after(60s));
  CHECK(has_ended);
  CHECK(heard.size() == times * words.size());
  co_await group.join();
}

}  // namespace

namespace {

Task<> read_late(test::FarEnd& from, std::string& bytes, std::size_t size) {
  auto& loop = co_await this_loop();
  co_await loop.sleep_until(after(300ms));
  co_await test::read_until(from, bytes, size);
}

/// 8 MB for two members, one of which pauses at first.
Task<> feed_beside_one_that_pauses(Room& room, Joined& pausing, Joined& hearing) {
  auto& loop = co_await this_loop();
  TaskGroup members(loop), readers(loop);
  members.spawn(take_part(room, pausing.client));
  members.spawn(take_part(room, hearing.client));
  const std::string words(64 * 1024, 'x');
  constexpr std::size_t times = 128;
  std::string heard, heard_late;
  readers.spawn(test::read_until(hearing.far, heard, times * words.size()));
  readers.spawn(read_late(pausing.far, heard_late, times * words.size()));
  for (std::size_t i = 0; i < times; ++i) {
    co_await room.wait_for_room(0);
    members.throw_failure();  // when one is cut off
    room.say(0, speech(words));
  }
  while (readers.running() > 0) {
    co_await readers.next_end(after(60s));
    members.throw_failure();
  }
  CHECK(heard.size() == times * words.size());
  CHECK(heard_late.size() == heard.size());
}

}  // namespace

TEST_CASE("room: a member that pauses for 0.3 s is waited for") {
  EventLoop loop;
  Room room(loop);
  Joined pausing(loop, 1), hearing(loop, 2);
  REQUIRE_NOTHROW(loop.run(feed_beside_one_that_pauses(room, pausing, hearing)));
}

TEST_CASE(
    "room: a member that does not read is cut off without its seconds, and the other hears everything") {
  bool was_waited_for = true;
  for (int tries = 0; tries < 3 && was_waited_for; ++tries) {  // the machine may be busy
    EventLoop loop;
    Room room(loop);
    Joined deaf(loop, 1), hearing(loop, 2);
    const auto begun = Clock::now();
    CHECK_THROWS_AS(loop.run(feed_beside_the_deaf(room, deaf, hearing)), std::runtime_error);
    was_waited_for = Clock::now() - begun >= 5s;
  }
  CHECK_FALSE(was_waited_for);
}
