#include "flow/in_order.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace sockx;

namespace {

/// A task that ends when the test says so.
struct Gate {
  explicit Gate(EventLoop& loop) : opened(loop) {}
  void open() {
    is_open = true;
    opened.notify();
  }
  bool is_open = false;
  Notification opened;
};

Task<int> number_behind(Gate& gate, int number) {
  while (!gate.is_open) {
    co_await gate.opened.wait();
  }
  if (number < 0) throw std::runtime_error("negative");
  co_return number;
}

struct Fixture {
  explicit Fixture(int count) {
    for (int i = 0; i < count; ++i) gates.push_back(std::make_unique<Gate>(loop));
  }
  InOrder<int>::Deliver deliver() {
    return [this](const Outcome<int>& outcome) {
      delivered +=
          (delivered.empty() ? "" : " ") + (outcome.result ? std::to_string(*outcome.result) : "failed");
    };
  }
  EventLoop loop;
  std::vector<std::unique_ptr<Gate>> gates;
  std::string delivered;
};

}  // namespace

TEST_CASE("in order: results are handed on in the order of their beginning, as soon as may be") {
  Fixture test(3);
  InOrder<int> results(test.loop, 10, test.deliver());
  const auto run = [](Fixture& fixture, InOrder<int>& order) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      auto task = number_behind(*fixture.gates[static_cast<std::size_t>(i)], i);
      co_await order.add(std::move(task));
    }
    fixture.gates[2]->open();
    co_await fixture.loop.next_turn();
    CHECK(fixture.delivered.empty());
    fixture.gates[0]->open();
    co_await fixture.loop.next_turn();
    CHECK(fixture.delivered == "0");
    fixture.gates[1]->open();
    co_await order.finish();
  };
  test.loop.run(run(test, results));
  CHECK(test.delivered == "0 1 2");
}

TEST_CASE("in order: a failed task has its place too, and does not stop the others") {
  Fixture test(1);
  InOrder<int> results(test.loop, 10, test.deliver());
  const auto run = [](Fixture& fixture, InOrder<int>& order) -> Task<> {
    for (const int number : {1, -1, 2}) {
      auto task = number_behind(*fixture.gates[0], number);
      co_await order.add(std::move(task));
    }
    fixture.gates[0]->open();
    co_await order.finish();
  };
  test.loop.run(run(test, results));
  CHECK(test.delivered == "1 failed 2");
}

TEST_CASE("in order: no more than so many are on their way, those included that wait for an earlier one") {
  Fixture test(2);
  InOrder<int> results(test.loop, 3, test.deliver());
  int added = 0;
  const auto add_five = [](Fixture& fixture, InOrder<int>& order, int& count) -> Task<> {
    for (int i = 0; i < 5; ++i) {
      auto task = number_behind(*fixture.gates[i == 0 ? 0 : 1], i);
      co_await order.add(std::move(task));
      ++count;
    }
    co_await order.finish();
  };
  const auto open_gates = [](Fixture& fixture, int& count) -> Task<> {
    fixture.gates[1]->open();
    for (int i = 0; i < 5; ++i) {
      co_await fixture.loop.next_turn();
    }
    CHECK(count == 3);  // 1 and 2 are there, and wait for 0
    CHECK(fixture.delivered.empty());
    fixture.gates[0]->open();
  };
  test.loop.run(all(add_five(test, results, added), open_gates(test, added)));
  CHECK(test.delivered == "0 1 2 3 4");
}

TEST_CASE("in order: what the delivery throws comes out, and nothing more is delivered") {
  EventLoop loop;
  Gate gate(loop);
  gate.open();
  int deliveries = 0;
  InOrder<int> results(loop, 10, [&deliveries](const Outcome<int>&) {
    ++deliveries;
    throw std::runtime_error("no reader");
  });
  const auto run = [](InOrder<int>& order, Gate& open) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      auto task = number_behind(open, i);
      co_await order.add(std::move(task));
    }
    co_await order.watch_for_failure();
  };
  CHECK_THROWS_WITH(loop.run(run(results, gate)), "no reader");
  CHECK(deliveries == 1);
}

TEST_CASE("in order: dropping it cancels what is on its way") {
  Fixture test(1);
  {
    InOrder<int> results(test.loop, 10, test.deliver());
    const auto run = [](Fixture& fixture, InOrder<int>& order) -> Task<> {
      auto task = number_behind(*fixture.gates[0], 1);
      co_await order.add(std::move(task));
    };
    test.loop.run(run(test, results));
  }
  CHECK(test.delivered.empty());
}
