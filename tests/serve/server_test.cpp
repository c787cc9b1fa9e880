#include <doctest/doctest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/ports.hpp"
#include "serve/handler_service.hpp"

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
  Task<> run() override {
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
  HandlerServiceOptions client_options;
  std::optional<HandlerService> clients;
  std::vector<std::string> told;
  std::uint16_t port = 0;

  Bench() {
    client_options.tell = options.tell = [this](const ServerEvent& event) {
      constexpr std::array kinds{"accepted", "closed", "refused", "shortage", "draining"};
      told.push_back(kinds[static_cast<std::size_t>(event.kind)] +
                     (event.reason.empty() ? "" : ": " + std::string(event.reason)));
    };
  }
  Server make_server() { return make_server(handler); }
  Server make_server(Handler& its_handler) {
    clients.emplace(loop, its_handler, client_options);
    auto socket = test::listening_port();
    port = static_cast<std::uint16_t>(socket.local().port());
    std::vector<Listener> listeners;
    listeners.emplace_back(loop, std::move(socket), ListenerOptions{});
    return {loop, std::move(listeners), *clients, options};
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
  bench.options.reason_to_refuse = [](const Connection&) { return std::optional<std::string>("not today"); };
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

TEST_CASE("server: an idle time of 0 does not keep it busy while nobody is there") {
  Bench bench;
  bench.client_options.idle_timeout = 0ms;
  auto server = bench.make_server();
  const auto run = [](Bench& all, Server& its_server) -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(its_server.run());
    co_await all.loop.sleep_until(after(20ms));
    CHECK(all.loop.waits() < 10);
    const auto client = all.client();
    co_await all.told_of(2);
  };
  bench.loop.run(run(bench, server));
  CHECK(bench.told == Told{"accepted", "closed: no byte in either direction for 0 s"});
}

namespace {

/// Sends much, and then nothing.
class Sending : public Handler {
 public:
  Task<> serve(Client& client) override {
    co_await client.send_all(std::as_bytes(std::span(content)));
    auto& loop = co_await this_loop();
    co_await loop.sleep_until(never);
  }
  const std::string content = std::string(200'000, 'x');
};

}  // namespace

TEST_CASE("server: a client that still takes what it was sent before is not idle") {
  Bench bench;
  Sending handler;
  bench.client_options.idle_timeout = 200ms;
  auto server = bench.make_server(handler);
  const auto run = [](Bench& all, Server& its_server) -> Task<> {
    TaskGroup group(co_await this_loop());
    group.spawn(its_server.run());
    auto client = Socket::open(AF_INET, SOCK_STREAM, 0);
    const int little = 4096;
    CHECK(setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little) == 0);
    CHECK(client.connect(test::loopback(all.port)) == EINPROGRESS);
    std::array<char, 8000> buffer;
    for (std::size_t got = 0; got < 200'000;) {
      co_await all.loop.sleep_until(after(40ms));
      const auto now = recv(client.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      REQUIRE((now > 0 || errno == EAGAIN));
      got += now > 0 ? static_cast<std::size_t>(now) : 0;
    }
    CHECK(all.told == Told{"accepted"});
    co_await all.told_of(2);
  };
  bench.loop.run(run(bench, server));
  CHECK(bench.told == Told{"accepted", "closed: no byte in either direction for 0.2 s"});
}
