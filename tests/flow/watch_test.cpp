#include "flow/watch.hpp"

#include <doctest/doctest.h>

#include <array>
#include <new>
#include <optional>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "flow/notification.hpp"
#include "flow/stream.hpp"
#include "flow/task_group.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

Task<bool> readable(Watch& watch, Deadline deadline) { co_return co_await watch.readable(deadline); }
Task<bool> writable(Watch& watch, Deadline deadline) { co_return co_await watch.writable(deadline); }

/// A deadline that comes at once where nothing is ready, but after the loop has looked.
Deadline shortly() { return after(5ms); }

}  // namespace

TEST_CASE("watch: a pipe becomes readable by a byte and stays so until that is forgotten") {
  EventLoop loop;
  const auto pipe = make_pipe_ends();
  Watch watch(loop, pipe.read.get());
  CHECK_FALSE(loop.run(readable(watch, shortly())));
  put(pipe.write.get(), "x");
  CHECK(loop.run(readable(watch, never)));
  CHECK(loop.run(readable(watch, never)));  // remembered: no new edge is needed
  read_available(pipe.read.get());
  watch.forget_readable();
  CHECK_FALSE(loop.run(readable(watch, shortly())));
  put(pipe.write.get(), "y");
  CHECK(loop.run(readable(watch, never)));
}

TEST_CASE("watch: a full pipe is writable again once it has been read") {
  EventLoop loop;
  const auto pipe = make_pipe_ends();
  Watch watch(loop, pipe.write.get());
  CHECK(loop.run(writable(watch, never)));
  fill(pipe.write.get());
  watch.forget_writable();
  CHECK_FALSE(loop.run(writable(watch, shortly())));
  read_available(pipe.read.get());
  CHECK(loop.run(writable(watch, never)));
}

TEST_CASE("watch: a wait ends at its deadline and not before") {
  EventLoop loop;
  const auto pipe = make_pipe_ends();
  Watch watch(loop, pipe.read.get());
  const auto deadline = after(3ms);
  CHECK_FALSE(loop.run(readable(watch, deadline)));
  CHECK(Clock::now() >= deadline);
}

TEST_CASE("watch: one descriptor can be waited on for reading and for writing at once") {
  const auto run = [](SocketEnds& sockets) -> Task<> {
    auto& loop = co_await this_loop();
    fill(sockets.ours.get());
    Watch watch(loop, sockets.ours.get());
    auto reading = readable(watch, never);
    auto writing = writable(watch, never);
    reading.start(loop);
    co_await loop.next_turn();  // takes the watch's first report: nothing to read, no room to write
    watch.forget_writable();
    writing.start(loop);
    put(sockets.theirs.get(), "x");
    co_await loop.next_turn();
    co_await loop.next_turn();
    CHECK(reading.done());
    CHECK_FALSE(writing.done());
    read_available(sockets.theirs.get());
    co_await std::move(writing);
  };
  EventLoop loop;
  auto sockets = unix_pair();
  loop.run(run(sockets));
}

TEST_CASE("watch: the end of the other side is readable and the loss of the reader is a hang-up") {
  struct Row {
    std::string what;
    bool watches_writer;
    bool is_hung_up;
  };
  EventLoop loop;
  for (const auto& [what, watches_writer, is_hung_up] :
       {Row{"a pipe's writer has gone", false, true}, Row{"a pipe's reader has gone", true, true}}) {
    CAPTURE(what);
    auto pipe = make_pipe_ends();
    auto& watched = watches_writer ? pipe.write : pipe.read;
    Watch watch(loop, watched.get());
    (watches_writer ? pipe.read : pipe.write).reset();
    CHECK(loop.run(readable(watch, never)));
    CHECK(watch.is_hung_up() == is_hung_up);
  }
  auto half_closed = tcp_pair();
  Watch watch(loop, half_closed.ours.get());
  shutdown(half_closed.theirs.get(), SHUT_WR);
  CHECK(loop.run(readable(watch, never)));
  CHECK_FALSE(watch.is_hung_up());  // it still takes what we say
  shutdown(half_closed.ours.get(), SHUT_WR);
  watch.forget_readable();
  CHECK(loop.run(readable(watch, never)));
  CHECK(watch.is_hung_up());
}

TEST_CASE("watch: a wait for input ends when the other descriptor hangs up") {
  EventLoop loop;
  const auto input = make_pipe_ends();
  auto output = make_pipe_ends();
  Watch from(loop, input.read.get()), to(loop, output.write.get());
  const auto wait = [](Watch& reads, Watch& writes, Deadline deadline) -> Task<bool> {
    co_return co_await reads.readable_or_hung_up(writes, deadline);
  };
  CHECK_FALSE(loop.run(wait(from, to, shortly())));
  output.read.reset();
  CHECK(loop.run(wait(from, to, never)));
  CHECK(to.is_hung_up());
}

TEST_CASE("watch: a wait for the loss of the reader ends by that, and not by room to write") {
  EventLoop loop;
  auto pipe = make_pipe_ends();
  Watch watch(loop, pipe.write.get());
  const auto hung_up = [](Watch& watched, Deadline deadline) -> Task<bool> {
    const bool has = co_await watched.hung_up(deadline);
    co_return has;
  };
  CHECK_FALSE(loop.run(hung_up(watch, after(5ms))));
  pipe.read.reset();
  CHECK(loop.run(hung_up(watch, never)));
}

TEST_CASE("watch: regular files and the null device are always ready") {
  EventLoop loop;
  const Folder folder;
  const UniqueFd file(open((folder / "empty").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const UniqueFd null = open_null();
  for (const int fd : {file.get(), null.get()}) {
    Watch watch(loop, fd);
    for (int round = 0; round < 2; ++round) {
      CHECK(loop.run(readable(watch, never)));
      CHECK(loop.run(writable(watch, never)));
      watch.forget_readable();  // there is nothing to forget: no event would ever bring it back
      watch.forget_writable();
    }
    CHECK_FALSE(watch.is_hung_up());
  }
}

TEST_CASE("watch: of two waiters ready in one batch the first can drop the second") {
  struct Contest {
    explicit Contest(EventLoop& loop) : over(loop) {}
    std::optional<Task<>> tasks[2];
    int resumed = 0;
    Notification over;
  };
  const auto compete = [](Watch& watch, Contest& contest, int other) -> Task<> {
    co_await watch.readable();
    ++contest.resumed;
    contest.tasks[other].reset();
    contest.over.notify();
  };
  const auto judge = [](Contest& contest) -> Task<> {
    auto& loop = co_await this_loop();
    co_await contest.over.wait();
    co_await loop.next_turn();
  };
  EventLoop loop;
  const auto first = make_pipe_ends(), second = make_pipe_ends();
  Watch first_watch(loop, first.read.get()), second_watch(loop, second.read.get());
  Contest contest(loop);
  contest.tasks[0] = compete(first_watch, contest, 1);
  contest.tasks[1] = compete(second_watch, contest, 0);
  for (auto& task : contest.tasks) task->start(loop);
  put(first.write.get(), "x");
  put(second.write.get(), "x");
  loop.run(judge(contest));
  CHECK(contest.resumed == 1);
  CHECK(contest.tasks[0].has_value() != contest.tasks[1].has_value());
}

TEST_CASE("watch: a descriptor number closed and used again is heard under its new watch") {
  EventLoop loop;
  auto old_pipe = make_pipe_ends();
  const int number = old_pipe.read.get();
  {
    Stream stream(loop, std::move(old_pipe.read), "old", Origin::system);
    CHECK_FALSE(loop.run(readable(stream.watch(), shortly())));
  }
  auto new_pipe = make_pipe_ends();
  if (new_pipe.read.get() != number) {
    REQUIRE(dup2(new_pipe.read.get(), number) == number);
    new_pipe.read.reset(number);
  }
  Stream stream(loop, std::move(new_pipe.read), "new", Origin::system);
  put(new_pipe.write.get(), "x");
  CHECK(loop.run(readable(stream.watch(), after(60s))));
}

TEST_CASE("watch: one that goes while its event is pending is not told of it") {
  EventLoop loop;
  const auto pipe = make_pipe_ends();
  {
    Watch watch(loop, pipe.read.get());
    put(pipe.write.get(), "x");
  }
  Watch next(loop, pipe.read.get());
  CHECK(loop.run(readable(next, never)));
}

// What has taken the watch's place in memory looks as though the wait were still linked there; the wait must
// not look.
TEST_CASE("watch: a waiter that was woken and not yet resumed may outlive it") {
  using Storage = std::array<ReadinessWait*, sizeof(Watch) / sizeof(ReadinessWait*)>;
  const auto wait_on = [](Watch& watch, ReadinessWait*& self) -> Task<> {
    auto wait = watch.readable();
    self = &wait;
    co_await wait;
  };
  const auto run = [&wait_on](Storage& storage) -> Task<ReadinessWait*> {
    auto& loop = co_await this_loop();
    const auto pipe = make_pipe_ends();
    auto* const watch = new (storage.data()) Watch(loop, pipe.read.get());
    ReadinessWait* wait = nullptr;
    auto waiting = wait_on(*watch, wait);
    waiting.start(loop);
    put(pipe.write.get(), "x");
    co_await loop.next_turn();  // the byte's waiter is queued behind this task
    watch->~Watch();
    storage.fill(wait);
    co_await loop.next_turn();
    CHECK(waiting.done());
    co_return wait;
  };
  EventLoop loop;
  alignas(Watch) Storage storage{};
  Storage untouched{};
  untouched.fill(loop.run(run(storage)));
  CHECK(storage == untouched);
}

TEST_CASE("watch: a descriptor that is not open is an error") {
  EventLoop loop;
  const int closed = make_pipe_ends().read.get();
  CHECK_THROWS_WITH(Watch(loop, closed), "epoll_ctl: Bad file descriptor");
}

TEST_CASE(
    "watch: after a short read a socket is waited for, unless its end or urgent data have been announced") {
  const auto run = [](SocketEnds& sockets) -> Task<> {
    auto& loop = co_await this_loop();
    Watch watch(loop, sockets.ours.get());
    const auto has_more = [&](auto act) {
      put(sockets.theirs.get(), "x");
      act();
      return readable(watch, never);
    };
    auto plain = has_more([] {});
    co_await std::move(plain);
    read_available(sockets.ours.get());
    watch.forget_readable_after_short_read();
    auto nothing = readable(watch, shortly());
    const bool is_left = co_await std::move(nothing);
    CHECK_FALSE(is_left);

    // What comes after the read, however soon, is a new edge.
    auto again = has_more([] {});
    co_await std::move(again);
    char byte;
    REQUIRE(read(sockets.ours.get(), &byte, 1) == 1);
    put(sockets.theirs.get(), "y");
    watch.forget_readable_after_short_read();
    auto late = readable(watch, after(60s));
    const bool late_has_come = co_await std::move(late);
    CHECK(late_has_come);
    read_available(sockets.ours.get());
    watch.forget_readable();

    // Bytes and the end in one event: one read gets the bytes, and no further event will tell of the end.
    auto last = has_more([&] { shutdown(sockets.theirs.get(), SHUT_WR); });
    co_await std::move(last);
    REQUIRE(read(sockets.ours.get(), &byte, 1) == 1);
    watch.forget_readable_after_short_read();
    auto end = readable(watch, after(60s));
    const bool end_has_come = co_await std::move(end);
    CHECK(end_has_come);
    CHECK(read(sockets.ours.get(), &byte, 1) == 0);
  };
  for (auto sockets : {tcp_pair, unix_pair}) {
    EventLoop loop;
    auto pair = sockets(SOCK_NONBLOCK);
    loop.run(run(pair));
  }
}

TEST_CASE("watch: urgent data at which a read stops do not hide what is behind them") {
  EventLoop loop;
  auto pair = tcp_pair();
  Watch watch(loop, pair.ours.get());
  put(pair.theirs.get(), "ab");
  REQUIRE(send(pair.theirs.get(), "!", 1, MSG_OOB) == 1);
  put(pair.theirs.get(), "cd");
  CHECK(loop.run(readable(watch, never)));
  char bytes[16];
  REQUIRE(read(pair.ours.get(), bytes, sizeof bytes) == 2);
  watch.forget_readable_after_short_read();
  CHECK(loop.run(readable(watch, after(60s))));
  CHECK(read(pair.ours.get(), bytes, sizeof bytes) == 2);
}
