#include "flow/thread_limit.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <thread>
#include <vector>

#include "flow/task_group.hpp"

using namespace sockx;
using namespace std::chrono_literals;

namespace {

Task<> enter_into(ThreadLimit& limit, std::optional<ThreadLimit::Slot>& pass) {
  auto entered = co_await limit.enter();
  pass = std::move(entered);
}

Task<> until_given_up(Task<> task) {
  std::vector<Task<>> tasks;
  tasks.push_back(std::move(task));
  const auto sleep = []() -> Task<> {
    auto& loop = co_await this_loop();
    co_await loop.sleep_until(after(5ms));
  };
  tasks.push_back(sleep());
  co_await any(std::move(tasks));
}

}  // namespace

TEST_CASE("thread limit: so many may enter, and the next waits until a pass is let go") {
  EventLoop loop;
  ThreadLimit limit(loop, 2);
  std::optional<ThreadLimit::Slot> first, second, third;
  loop.run(enter_into(limit, first));
  loop.run(enter_into(limit, second));
  loop.run(until_given_up(enter_into(limit, third)));
  CHECK_FALSE(third);
  first.reset();
  loop.run(enter_into(limit, third));
  CHECK(third);
}

TEST_CASE("thread limit: several wait, and all enter in the end, whichever of them is dropped") {
  EventLoop loop;
  ThreadLimit limit(loop, 1);
  std::optional<ThreadLimit::Slot> first;
  loop.run(enter_into(limit, first));
  int entered = 0, entered_first = 0;
  const auto enter_and_leave = [](ThreadLimit& its_limit, int& count) -> Task<> {
    const auto slot = co_await its_limit.enter();
    ++count;
  };
  const auto let_go = [](std::optional<ThreadLimit::Slot>& slot) -> Task<> {
    auto& its_loop = co_await this_loop();
    co_await its_loop.next_turn();
    slot.reset();
  };
  TaskGroup group(loop);
  group.spawn(until_given_up(enter_and_leave(limit, entered_first)));  // perhaps in vain
  for (int i = 0; i < 5; ++i) group.spawn(enter_and_leave(limit, entered));
  group.spawn(let_go(first));
  loop.run(group.join());
  CHECK(entered == 5);
}

TEST_CASE("thread limit: a pass counts until its last copy is gone") {
  EventLoop loop;
  ThreadLimit limit(loop, 1);
  std::optional<ThreadLimit::Slot> first, second;
  loop.run(enter_into(limit, first));
  auto copy = std::make_optional(*first);
  first.reset();
  loop.run(until_given_up(enter_into(limit, second)));
  CHECK_FALSE(second);
  copy.reset();
  loop.run(enter_into(limit, second));
  CHECK(second);
}

TEST_CASE("thread limit: a pass that goes on another thread wakes who waits, every time") {
  EventLoop loop;
  ThreadLimit limit(loop, 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 200; ++i) {
    std::optional<ThreadLimit::Slot> pass;
    loop.run(enter_into(limit, pass));
    threads.emplace_back([taken = std::move(*pass)]() mutable { taken.reset(); });
  }
  for (auto& thread : threads) thread.join();
}

TEST_CASE("thread limit: a pass may outlive the limit") {
  std::optional<ThreadLimit::Slot> pass;
  EventLoop loop;
  {
    ThreadLimit limit(loop, 1);
    loop.run(enter_into(limit, pass));
  }
  std::thread([taken = std::move(*pass)]() mutable { taken.reset(); }).join();
}
