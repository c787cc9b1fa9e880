#include "serve/server.hpp"

#include <doctest/doctest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/ports.hpp"

using namespace sockx;
using namespace std::chrono_literals;

namespace {

/// Keeps each client until it says something, or for ever.
class Waiting : public Handler {
 public:
  Task<> serve(Client& client) override {
    co_await client.input();
    std::array<std::byte, 64> buffer;
    const auto got = client.receive(buffer);
    if (got.bytes > 0) throw std::runtime_error("it speaks");
  }
  Task<> attend() override {
    auto& loop = co_await this_loop();
    co_await loop.sleep_until(stops_at);
    if (fails) throw std::runtime_error("the handler fails");
  }
  Deadline stops_at = never;
  bool fails = false;
};

/// A server on a port of loopback, and what it tells.
struct Bench {
  EventLoop loop;
  Waiting handler;
  ServerOptions options;
  std::vector<std::string> told;
  std::uint16_t port = 0;

  Bench() {
    options.tell = [this](const ServerEvent& event) {
      constexpr std::array kinds{"accepted", "closed", "refused", "shortage", "draining"};
      told.push_back(kinds[static_cast<std::size_t>(event.kind)] +
                     (event.reason.empty() ? "" : ": " + std::string(event.reason)));
    };
  }
  Server make_server() {
    auto socket = test::listening_port();
    port = static_cast<std::uint16_t>(socket.local().port());
    std::vector<Listener> listeners;
    listeners.emplace_back(loop, std::move(socket), ListenOptions{});
    return {loop, std::move(listeners), handler, options};
  }
  Socket client() const {
    auto socket = Socket::open(AF_INET, SOCK_STREAM, 0);
    CHECK(socket.connect(test::loopback(port)) == EINPROGRESS);
    return socket;
  }
  /// Until so much has been told.
  Task<> told_of(std::size_t events) {
    auto& its_loop = co_await this_loop();
    while (told.size() < events) {
      co_await its_loop.next_turn();
    }
  }
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("server: the failure of one client is told and is no other's") {
  Bench bench;
  auto server = bench.make_server();
  const auto run = [](Bench& all, Server& its_server) -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(its_server.run());
    const auto staying = all.client();
    co_await all.told_of(1);
    const auto failing = all.client();
    co_await all.told_of(2);
    test::put(failing.fd(), "x");
    co_await all.told_of(3);
  };
  bench.loop.run(run(bench, server));
  CHECK(bench.told == Told{"accepted", "accepted", "closed: it speaks"});
}

TEST_CASE("server: drain() stops accepting, and run() ends with the last client") {
  Bench bench;
  auto server = bench.make_server();
  const auto run = [](Bench& all, Server& its_server) -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(its_server.run());
    auto client = all.client();
    co_await all.told_of(1);
    its_server.drain();
    co_await all.told_of(2);
    CHECK(all.client().connect(test::loopback(all.port)) != 0);
    client = Socket();
    co_await group.join();
  };
  bench.loop.run(run(bench, server));
  CHECK(bench.told == Told{"accepted", "draining", "closed: complete"});
}

TEST_CASE("server: the end of the handler's own work is the end of the server, and its failure too") {
  for (const bool fails : {false, true}) {
    Bench bench;
    bench.options.drain_timeout = 1ms;
    bench.handler.fails = fails;
    auto server = bench.make_server();
    const auto run = [](Bench& all, Server& its_server) -> Task<> {
      TaskGroup group(co_await this_loop());
      const auto client = all.client();
      all.handler.stops_at = after(20ms);
      group.spawn(its_server.run());
      co_await group.join();
    };
    if (fails)
      CHECK_THROWS_WITH(bench.loop.run(run(bench, server)), "the handler fails");
    else
      bench.loop.run(run(bench, server));
    CHECK(bench.told.front() == "accepted");
  }
}

TEST_CASE("server: who is refused is told of, and is no connection") {
  Bench bench;
  bench.options.refuses = [](const Accepted&) { return std::optional<std::string>("not today"); };
  auto server = bench.make_server();
  const auto run = [](Bench& all, Server& its_server) -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(its_server.run());
    const auto client = all.client();
    co_await all.told_of(1);
    its_server.drain();
    co_await group.join();
  };
  bench.loop.run(run(bench, server));
  CHECK(bench.told == Told{"refused: not today", "draining"});
}
