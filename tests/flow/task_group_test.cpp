#include "flow/task_group.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "../support/descriptors.hpp"
#include "base/error.hpp"
#include "flow/stream.hpp"
#include "flow/watch.hpp"

using namespace sockx;
using namespace std::chrono_literals;

namespace {

using Token = std::shared_ptr<int>;

Task<> end_at_once() { co_return; }

Task<> fail_at_once(const char* reason) {
  throw std::runtime_error(reason);
  co_return;  // makes it a coroutine
}

Task<> end_after_turns(int turns) {
  auto& loop = co_await this_loop();
  for (int i = 0; i < turns; ++i) {
    co_await loop.next_turn();
  }
}

Task<> fail_after_turns(int turns, const char* reason) {
  co_await end_after_turns(turns);
  throw std::runtime_error(reason);
}

/// Owns a pipe, a watch on it and a token, and waits for what never comes.
Task<> wait_for_ever(Token token) {
  const Token mine = token;
  auto pipe = test::make_pipe_ends();
  auto& loop = co_await this_loop();
  Stream stream(loop, std::move(pipe.read), "pipe", Origin::system);
  co_await stream.readable();
}

template <class... Tasks>
std::vector<Task<>> list(Tasks... tasks) {
  std::vector<Task<>> list;
  (list.push_back(std::move(tasks)), ...);
  return list;
}

}  // namespace

TEST_CASE("task group: join waits for every task and for one that ends while it is spawned") {
  const auto run = []() -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(end_at_once());
    CHECK(group.running() == 0);
    group.spawn(end_after_turns(3));
    group.spawn(end_after_turns(1));
    CHECK(group.running() == 2);
    co_await group.join();
    CHECK(group.running() == 0);
  };
  EventLoop loop;
  loop.run(run());
}

TEST_CASE("task group: a failure comes out of join although a sibling goes on") {
  const auto token = std::make_shared<int>();
  const auto run = [](Token owned) -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(wait_for_ever(owned));
    group.spawn(fail_after_turns(2, "two turns"));
    CHECK_THROWS_WITH(co_await group.join(), "two turns");
    CHECK(group.running() == 1);
    CHECK(owned.use_count() > 2);
  };
  EventLoop loop;
  loop.run(run(token));
  CHECK(token.use_count() == 1);
}

TEST_CASE("task group: the first of several failures is the one that is thrown") {
  const auto run = []() -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(fail_at_once("first"));
    group.spawn(fail_at_once("second"));
    co_await group.join();
  };
  EventLoop loop;
  CHECK_THROWS_WITH(loop.run(run()), "first");
}

TEST_CASE("task group: next_end tells of ends since the last call and else of the deadline") {
  const auto run = []() -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(end_at_once());
    group.spawn(end_after_turns(2));
    const bool first = co_await group.next_end(after(60s));
    const bool second = co_await group.next_end(after(60s));
    const bool third = co_await group.next_end(after(1ms));
    CHECK(first);
    CHECK(second);
    CHECK_FALSE(third);
  };
  EventLoop loop;
  loop.run(run());
}

TEST_CASE("task group: an ended task gives back what it owned although the group lives on") {
  const auto hold_for_a_turn = [](Token owned) -> Task<> {
    const Token mine = owned;
    co_await end_after_turns(1);
  };
  const auto run = [&hold_for_a_turn](Token& watched) -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(hold_for_a_turn(watched));
    CHECK(watched.use_count() > 1);
    co_await end_after_turns(3);
    CHECK(watched.use_count() == 1);
  };
  EventLoop loop;
  auto token = std::make_shared<int>();
  loop.run(run(token));
}

TEST_CASE("task group: dropping it cancels what is left and closes every descriptor") {
  const auto before = test::open_descriptors();
  const auto token = std::make_shared<int>();
  EventLoop loop;
  {
    TaskGroup group(loop);
    for (int i = 0; i < 10; ++i) group.spawn(wait_for_ever(token));
    CHECK(test::open_descriptors() == before + 1 + 10 * 2);  // the loop's, and each task's pipe
    CHECK(token.use_count() > 10);
  }
  CHECK(token.use_count() == 1);
  CHECK(test::open_descriptors() == before + 1);
}

TEST_CASE("task group: a task may spawn others into the group it belongs to") {
  const auto grow = [](TaskGroup& group, int generations, const auto& self) -> Task<> {
    co_await end_after_turns(1);
    if (generations > 0) group.spawn(self(group, generations - 1, self));
  };
  const auto run = [&grow]() -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(grow(group, 20, grow));
    co_await group.join();
    CHECK(group.running() == 0);
  };
  EventLoop loop;
  loop.run(run());
}

TEST_CASE("all: it ends when both have") {
  EventLoop loop;
  loop.run(all(end_at_once(), end_at_once()));
  loop.run(all(end_at_once(), end_after_turns(3)));
  loop.run(all(end_after_turns(3), end_at_once()));
}

TEST_CASE("all: a failure of one cancels the other before it is thrown") {
  EventLoop loop;
  const auto token = std::make_shared<int>();
  const auto run = [](Task<> first, Task<> second, Token owned) -> Task<> {
    CHECK_THROWS_WITH(co_await all(std::move(first), std::move(second)), "no");
    CHECK(owned.use_count() == 2);  // the test's and this parameter
  };
  loop.run(run(wait_for_ever(token), fail_after_turns(2, "no"), token));
  loop.run(run(fail_after_turns(2, "no"), wait_for_ever(token), token));
  loop.run(run(fail_at_once("no"), wait_for_ever(token), token));
  loop.run(run(wait_for_ever(token), fail_at_once("no"), token));
}

TEST_CASE("any: the losers are destroyed before it returns or throws") {
  EventLoop loop;
  const auto token = std::make_shared<int>();
  const auto before = test::open_descriptors();
  const auto win = [](std::vector<Task<>> tasks, Token owned, std::size_t descriptors) -> Task<> {
    co_await any(std::move(tasks));
    CHECK(owned.use_count() == 2);
    CHECK(test::open_descriptors() == descriptors);
  };
  const auto lose = [](std::vector<Task<>> tasks, Token owned, std::size_t descriptors) -> Task<> {
    CHECK_THROWS_WITH(co_await any(std::move(tasks)), "no");
    CHECK(owned.use_count() == 2);
    CHECK(test::open_descriptors() == descriptors);
  };
  const auto hold = [&token] { return wait_for_ever(token); };
  loop.run(win(list(hold(), end_after_turns(2), hold()), token, before));
  loop.run(win(list(end_at_once(), hold(), hold()), token, before));
  loop.run(win(list(hold(), hold(), end_at_once()), token, before));
  loop.run(lose(list(hold(), fail_after_turns(2, "no"), hold()), token, before));
  loop.run(lose(list(fail_at_once("no"), hold()), token, before));
}

TEST_CASE("bounded: the task's own end or failure wins over a deadline that has not come") {
  EventLoop loop;
  loop.run(with_deadline(end_at_once(), after(60s), "too late"));
  loop.run(with_deadline(end_after_turns(2), never, "too late"));
  CHECK_THROWS_WITH_AS(loop.run(with_deadline(fail_after_turns(2, "no"), after(60s), "too late")), "no",
                       std::runtime_error);
}

TEST_CASE("bounded: at the deadline the task is cancelled and the message thrown") {
  EventLoop loop;
  const auto token = std::make_shared<int>();
  const auto run = [](Token owned) -> Task<> {
    CHECK_THROWS_WITH_AS(co_await with_deadline(wait_for_ever(owned), after(1ms), "too late"), "too late",
                         TimedOut);
    CHECK(owned.use_count() == 2);
  };
  loop.run(run(token));
}

TEST_CASE("task group: cancelling one task destroys it at once, and leaves the others") {
  const auto run = []() -> Task<> {
    TaskGroup group(co_await this_loop());
    const auto first = std::make_shared<int>(), second = std::make_shared<int>();
    const auto before = test::open_descriptors();
    auto& child = group.spawn(wait_for_ever(first));
    group.spawn(wait_for_ever(second));
    const auto each = (test::open_descriptors() - before) / 2;
    group.cancel(child);
    CHECK(first.use_count() == 1);
    CHECK(second.use_count() > 1);
    CHECK(test::open_descriptors() == before + each);
    CHECK(group.running() == 1);
    // It counts as an end, for who waits for one.
    auto waiting = group.next_end(after(60s));
    const bool has_ended = co_await std::move(waiting);
    CHECK(has_ended);
  };
  EventLoop loop;
  loop.run(run());
}

TEST_CASE("task group: one task may cancel another that is about to run") {
  const auto run = []() -> Task<> {
    auto& loop = co_await this_loop();
    TaskGroup group(loop);
    bool has_run = false;
    const auto run_late = [](EventLoop& its_loop, bool& ran) -> Task<> {
      co_await its_loop.next_turn();
      ran = true;
    };
    const auto cancel_it = [](EventLoop& its_loop, TaskGroup& its_group,
                              TaskGroup::Child*& victim) -> Task<> {
      co_await its_loop.next_turn();
      its_group.cancel(*victim);
    };
    TaskGroup::Child* victim = nullptr;
    group.spawn(cancel_it(loop, group, victim));
    victim = &group.spawn(run_late(loop, has_run));
    co_await group.join();
    CHECK_FALSE(has_run);
  };
  EventLoop loop;
  loop.run(run());
}

TEST_CASE("any: those behind one that ends at once do not begin") {
  const auto note = [](bool& has_begun) -> Task<> {
    has_begun = true;
    co_await (co_await this_loop()).next_turn();
  };
  bool has_begun = false;
  EventLoop loop;
  loop.run(any(list(end_at_once(), note(has_begun))));
  CHECK_FALSE(has_begun);
  CHECK_THROWS_WITH(loop.run(any(list(fail_at_once("no"), note(has_begun)))), "no");
  CHECK_FALSE(has_begun);
  loop.run(any(list(end_after_turns(1), note(has_begun))));
  CHECK(has_begun);
}

TEST_CASE("any: two or three tasks are given without a vector") {
  EventLoop loop;
  loop.run(any(end_after_turns(3), end_after_turns(1)));
  CHECK_THROWS_WITH(loop.run(any(end_after_turns(3), end_after_turns(2), fail_at_once("third"))), "third");
}

TEST_CASE("outcome_of: what a task throws is a value") {
  EventLoop loop;
  const auto run = []() -> Task<> {
    auto good = co_await outcome_of(end_after_turns(1));
    CHECK(good == nullptr);
    auto bad = co_await outcome_of(fail_at_once("no"));
    CHECK_THROWS_WITH(std::rethrow_exception(bad), "no");
  };
  loop.run(run());
}
