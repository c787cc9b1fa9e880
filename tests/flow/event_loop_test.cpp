#include "flow/event_loop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "flow/notification.hpp"
#include "flow/task_group.hpp"

using namespace sockx;
using namespace std::chrono_literals;

namespace {

Task<> sleep_and_note(Deadline until, int number, std::vector<int>& order) {
  auto& loop = co_await this_loop();
  const bool in_time = co_await loop.sleep_until(until);
  CHECK_FALSE(in_time);  // a sleep knows no other end than its deadline
  CHECK(loop.now() >= until);
  order.push_back(number);
}

}  // namespace

TEST_CASE("event loop: sleepers wake in the order of their deadlines and equal ones as they came") {
  std::vector<int> order;
  const auto sleep = [](std::vector<int>& woken) -> Task<> {
    TaskGroup group(co_await this_loop());
    const auto start = Clock::now();
    group.spawn(sleep_and_note(start + 6ms, 4, woken));
    group.spawn(sleep_and_note(start + 2ms, 1, woken));
    group.spawn(sleep_and_note(start + 4ms, 2, woken));
    group.spawn(sleep_and_note(start + 4ms, 3, woken));
    group.spawn(sleep_and_note(start - 1ms, 0, woken));  // in the past: the very next turn
    co_await group.join();
  };
  EventLoop loop;
  loop.run(sleep(order));
  CHECK(order == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("event loop: thousands of sleepers all wake in order") {
  constexpr int many = 5000;
  std::vector<int> order;
  const auto sleep = [](std::vector<int>& woken) -> Task<> {
    TaskGroup group(co_await this_loop());
    const auto start = Clock::now();
    for (int i = 0; i < many; ++i) {
      const int number = i * 7919 % many;  // every number once, mixed up
      group.spawn(sleep_and_note(start + number * 1us, number, woken));
    }
    co_await group.join();
  };
  EventLoop loop;
  loop.run(sleep(order));
  CHECK(order.size() == many);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("event loop: next_turn lets everybody else that is ready go first") {
  std::string order;
  const auto take_turns = [](char name, int times, std::string& log) -> Task<> {
    auto& loop = co_await this_loop();
    for (int i = 0; i < times; ++i) {
      log += name;
      co_await loop.next_turn();
    }
  };
  const auto race = [&take_turns](std::string& log) -> Task<> {
    TaskGroup group(co_await this_loop());
    for (const char name : {'a', 'b', 'c'}) group.spawn(take_turns(name, 3, log));
    co_await group.join();
  };
  EventLoop loop;
  loop.run(race(order));
  CHECK(order == "abcabcabc");
}

TEST_CASE("event loop: a task that always has a next turn does not keep timers from expiring") {
  const auto spin = [](bool& stop) -> Task<> {
    auto& loop = co_await this_loop();
    while (!stop) {
      co_await loop.next_turn();
    }
  };
  const auto run = [&spin]() -> Task<> {
    auto& loop = co_await this_loop();
    TaskGroup group(loop);
    bool stop = false;
    group.spawn(spin(stop));
    co_await loop.sleep_until(after(2ms));
    stop = true;
    co_await group.join();
  };
  EventLoop loop;
  loop.run(run());
  CHECK(loop.waits() > 1);
}

TEST_CASE("event loop: it runs one task after another and owns a single descriptor") {
  const auto before = test::open_descriptors();
  {
    EventLoop loop;
    const auto number = [](int value) -> Task<int> {
      auto& its_loop = co_await this_loop();
      co_await its_loop.next_turn();
      co_return value;
    };
    CHECK(loop.run(number(1)) == 1);
    CHECK(loop.run(number(2)) == 2);
    CHECK(test::open_descriptors() == before + 1);
  }
  CHECK(test::open_descriptors() == before);
}

TEST_CASE("event loop: a span too long to count is never") {
  CHECK(after(Duration::max()) == never);
  CHECK(after(Duration::max() / 2) > Clock::now());
  CHECK(after(1h) < Clock::now() + 2h);
  CHECK(after(-1s) < Clock::now());
}

TEST_CASE("notification: it wakes every waiter in the order of their coming") {
  std::vector<int> order;
  const auto wait = [](Notification& changed, int number, std::vector<int>& log) -> Task<> {
    const bool in_time = co_await changed.wait();
    CHECK(in_time);
    log.push_back(number);
  };
  const auto run = [&wait](std::vector<int>& log) -> Task<> {
    auto& loop = co_await this_loop();
    Notification changed(loop);
    TaskGroup group(loop);
    for (int i = 0; i < 3; ++i) group.spawn(wait(changed, i, log));
    changed.notify();
    changed.notify();  // nobody waits any more: changes nothing
    co_await group.join();
  };
  EventLoop loop;
  loop.run(run(order));
  CHECK(order == std::vector{0, 1, 2});
}

TEST_CASE("notification: it remembers nothing and a wait ends at its deadline") {
  const auto run = []() -> Task<bool> {
    auto& loop = co_await this_loop();
    Notification changed(loop);
    changed.notify();
    co_return co_await changed.wait(after(1ms));
  };
  EventLoop loop;
  CHECK_FALSE(loop.run(run()));
}

TEST_CASE("notification: a waiter dropped before or after the call is not resumed") {
  const auto wait = [](Notification& changed, int& resumed) -> Task<> {
    co_await changed.wait();
    ++resumed;
  };
  int resumed = 0;
  EventLoop loop;
  Notification changed(loop);
  auto stays = wait(changed, resumed);
  stays.start(loop);
  {
    auto dropped_while_waiting = wait(changed, resumed);
    dropped_while_waiting.start(loop);
  }
  {
    auto dropped_while_queued = wait(changed, resumed);
    dropped_while_queued.start(loop);
    changed.notify();
  }
  const auto turn = []() -> Task<> {
    auto& its_loop = co_await this_loop();
    co_await its_loop.next_turn();
  };
  loop.run(turn());
  CHECK(resumed == 1);
  CHECK(stays.done());
}
