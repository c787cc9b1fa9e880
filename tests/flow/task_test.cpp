#include "flow/task.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "flow/event_loop.hpp"

using namespace sockx;

namespace {

using Token = std::shared_ptr<int>;

Task<int> ready(int value) { co_return value; }

Task<> hold(Token token) {
  const Token mine = token;
  auto& loop = co_await this_loop();
  co_await loop.sleep_until(never);
}

/// Waits `levels` tasks deep, and owns something at each level.
Task<> hold_nested(Token token, int levels) {
  const Token mine = token;
  if (levels > 0)
    co_await hold_nested(token, levels - 1);
  else
    co_await hold(token);
}

Task<int> fail_at(int level) {
  auto& loop = co_await this_loop();
  co_await loop.next_turn();
  if (level == 0) throw std::runtime_error("from below");
  co_return co_await fail_at(level - 1);
}

}  // namespace

TEST_CASE("task: its result is handed back and may be of a type that only moves") {
  EventLoop loop;
  CHECK(loop.run(ready(42)) == 42);
  const auto make = []() -> Task<std::unique_ptr<std::string>> {
    co_return std::make_unique<std::string>("x");
  };
  CHECK(*loop.run(make()) == "x");
}

TEST_CASE("task: an exception passes through every level that waits for it") {
  EventLoop loop;
  CHECK_THROWS_WITH_AS(loop.run(fail_at(5)), "from below", std::runtime_error);
}

TEST_CASE("task: an exception can be caught on its way up and the catcher goes on") {
  const auto recover = []() -> Task<std::string> {
    std::string caught;
    try {
      co_await fail_at(3);
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    const int value = co_await ready(7);
    co_return caught + std::to_string(value);
  };
  EventLoop loop;
  CHECK(loop.run(recover()) == "from below7");
}

TEST_CASE("task: nothing runs before it is started") {
  EventLoop loop;
  bool ran = false;
  const auto run = [](bool& mark) -> Task<> {
    mark = true;
    co_return;
  };
  auto task = run(ran);
  CHECK_FALSE(ran);
  CHECK_FALSE(task.done());
  task.start(loop);
  CHECK(ran);
  CHECK(task.done());
}

TEST_CASE("task: dropped at any point it releases what it owns at every level") {
  EventLoop loop;
  const auto token = std::make_shared<int>();
  for (const bool started : {false, true}) {
    for (const int levels : {0, 1, 5}) {
      CAPTURE(started);
      CAPTURE(levels);
      {
        auto task = hold_nested(token, levels);
        if (started) task.start(loop);
        CHECK(token.use_count() > 1);
      }
      CHECK(token.use_count() == 1);
    }
  }
}

TEST_CASE("task: a dropped sleeper leaves the loop's queue of timers") {
  EventLoop loop;
  const auto sleep = [](Deadline until) -> Task<> {
    auto& its_loop = co_await this_loop();
    co_await its_loop.sleep_until(until);
  };
  const auto soon = after(std::chrono::milliseconds(1));
  {
    auto dropped = sleep(soon);
    dropped.start(loop);
  }
  loop.run(sleep(soon + std::chrono::milliseconds(1)));  // would resume the dropped one
  CHECK(loop.now() >= soon);
}

TEST_CASE("task: a ready task can be awaited two million times") {
  const auto add_up = [](int times) -> Task<long> {
    long sum = 0;
    for (int i = 0; i < times; ++i) {
      sum += co_await ready(1);
    }
    co_return sum;
  };
  EventLoop loop;
  CHECK(loop.run(add_up(2'000'000)) == 2'000'000);
}

TEST_CASE("task: ready tasks awaited behind one that has suspended do not pile up either") {
  const auto add_up = [](int times) -> Task<long> {
    auto& its_loop = co_await this_loop();
    const auto late = [](EventLoop& on) -> Task<int> {
      co_await on.next_turn();
      co_return 1;
    };
    long sum = 0;
    for (int i = 0; i < times; ++i) {
      sum += co_await late(its_loop);
      sum += co_await ready(1);
    }
    co_return sum;
  };
  EventLoop loop;
  CHECK(loop.run(add_up(100'000)) == 200'000);
}

TEST_CASE("task: a child that suspends goes on before its parent does") {
  std::vector<std::string> steps;
  const auto child = [](std::vector<std::string>& log) -> Task<int> {
    log.push_back("child begins");
    auto& loop = co_await this_loop();
    co_await loop.next_turn();
    log.push_back("child ends");
    co_return 1;
  };
  const auto parent = [&child](std::vector<std::string>& log) -> Task<> {
    log.push_back("parent begins");
    co_await child(log);
    log.push_back("parent ends");
  };
  EventLoop loop;
  loop.run(parent(steps));
  CHECK(steps == std::vector<std::string>{"parent begins", "child begins", "child ends", "parent ends"});
}

TEST_CASE("task: this_loop is the loop that runs it however deep it is") {
  const auto inner = []() -> Task<EventLoop*> { co_return &co_await this_loop(); };
  const auto outer = [&inner]() -> Task<EventLoop*> {
    auto& loop = co_await this_loop();
    co_await loop.next_turn();
    co_return co_await inner();
  };
  EventLoop first, second;
  CHECK(first.run(outer()) == &first);
  CHECK(second.run(outer()) == &second);
}
