#include "flow/on_thread.hpp"

#include <doctest/doctest.h>

#include <barrier>
#include <future>
#include <memory>
#include <string>

#include "../support/descriptors.hpp"
#include "flow/task_group.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr Duration patience = 60s;

template <class Answer>
std::optional<Answer> answer_of(EventLoop& loop, std::function<Answer()> work, Deadline deadline = never) {
  return loop.run(on_thread<Answer>(std::move(work), deadline));
}

}  // namespace

TEST_CASE("on_thread: the answer comes from another thread and no descriptor is left") {
  EventLoop loop;
  const auto before = open_descriptors();
  const auto elsewhere = answer_of<std::thread::id>(loop, [] { return std::this_thread::get_id(); });
  REQUIRE(elsewhere);
  CHECK(*elsewhere != std::this_thread::get_id());
  CHECK(answer_of<std::string>(loop, [] { return std::string("a long enough answer to be allocated"); }) ==
        "a long enough answer to be allocated");
  while (open_descriptors() != before) std::this_thread::yield();  // the thread may be the last to let go
}

TEST_CASE("on_thread: the deadline comes first and the late answer is dropped") {
  EventLoop loop;
  const auto before = open_descriptors();
  const auto release = std::make_shared<std::promise<void>>();
  const std::function<int()> wait_for_release = [released = release->get_future().share()] {
    released.wait();
    return 1;
  };
  const auto deadline = after(5ms);
  CHECK_FALSE(answer_of(loop, wait_for_release, deadline));
  CHECK(Clock::now() >= deadline);
  release->set_value();
  while (open_descriptors() != before) std::this_thread::yield();  // the thread lets go last
}

TEST_CASE("on_thread: two at once do not wait for each other") {
  const auto meet = [](std::shared_ptr<std::barrier<>> both, int number, int& answer) -> Task<> {
    std::function<int()> work = [both, number] {
      both->arrive_and_wait();
      return number;
    };
    const auto answered = co_await on_thread<int>(std::move(work), after(patience));
    answer = answered.value_or(0);
  };
  EventLoop loop;
  const auto both = std::make_shared<std::barrier<>>(2);
  int first = 0, second = 0;
  loop.run(all(meet(both, 1, first), meet(both, 2, second)));
  CHECK(first == 1);
  CHECK(second == 2);
}
