#include "net/stream/redial.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "../../support/descriptors.hpp"
#include "../../support/files.hpp"
#include "../../support/ports.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/task_group.hpp"
#include "net/stream/adopt.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

struct Told {
  std::vector<unsigned> attempts;
  std::string last;
};

RedialOptions options_that_tell(Told& told) {
  RedialOptions how;
  how.delay = 1ms;
  how.tell = [&told](unsigned attempt, const std::string& failure) {
    told.attempts.push_back(attempt);
    told.last = failure;
  };
  return how;
}

Connection redial_now(const Endpoint& endpoint, RedialOptions how, DialOptions options = {}) {
  EventLoop loop;
  return loop.run(redial(endpoint, std::move(options), std::move(how)));
}

}  // namespace

TEST_CASE("redial: without retries and limit there is one attempt, and its own failure") {
  const auto port = bound_port();
  Told told;
  const auto error = thrown_by<Error>([&] { redial_now({port.local()}, options_that_tell(told)); });
  REQUIRE(error);
  CHECK(error->number() == ECONNREFUSED);
  CHECK(told.attempts.empty());
}

TEST_CASE(
    "redial: N retries are N + 1 attempts, and the line names the endpoint, the reason and their number") {
  const auto port = bound_port();
  const auto name = port.local().to_string();
  struct Row {
    unsigned retries;
    std::string attempts;
  };
  for (const auto& [retries, attempts] : {Row{0, "1 attempt"}, Row{1, "2 attempts"}, Row{5, "6 attempts"}}) {
    Told told;
    auto how = options_that_tell(told);
    how.retries = retries;
    const auto given_up = thrown_by<GivenUp>([&] { redial_now({port.local()}, how); });
    REQUIRE(given_up);
    CHECK(given_up->what() == "connect " + name + ": Connection refused; given up after " + attempts);
    CHECK(told.attempts.size() == retries + 1);
    CHECK(told.attempts.back() == retries + 1);
    CHECK(told.last == "connect " + name + ": Connection refused");
    CHECK_THROWS_AS(std::rethrow_exception(given_up->last_failure()), Error);
  }
}

TEST_CASE("redial: the pauses double up to eight times the first") {
  const auto port = bound_port();
  std::vector<Clock::time_point> times;
  RedialOptions how;
  how.delay = 2ms;
  how.retries = 5;
  how.tell = [&times](unsigned, const std::string&) { times.push_back(Clock::now()); };
  CHECK_THROWS_AS(redial_now({port.local()}, how), GivenUp);
  REQUIRE(times.size() == 6);
  const Duration least[] = {2ms, 4ms, 8ms, 16ms, 16ms};
  for (std::size_t i = 0; i < 5; ++i) CHECK(times[i + 1] - times[i] >= least[i]);
}

TEST_CASE("redial: while a port is waited for, no pause is longer than 250 ms, unless the first is") {
  RedialOptions how;
  const auto pauses = [&how](Duration delay) {
    how.delay = delay;
    std::vector<Duration> all;
    for (unsigned attempt = 1; attempt <= 6; ++attempt) all.push_back(pause_after(attempt, how));
    return all;
  };
  CHECK(pauses(100ms) == std::vector<Duration>{100ms, 200ms, 400ms, 800ms, 800ms, 800ms});
  CHECK(pauses(0ms).front() == 1ms);
  how.wait_for = 1h;
  CHECK(pauses(100ms) == std::vector<Duration>{100ms, 200ms, 250ms, 250ms, 250ms, 250ms});
  CHECK(pauses(250ms) == std::vector<Duration>(6, 250ms));
  CHECK(pauses(1s) == std::vector<Duration>(6, 1s));
  CHECK(pauses(1ms).back() == 8ms);
}

TEST_CASE("redial: it goes on until the limit, and not beyond") {
  const auto port = bound_port();
  Told told;
  auto how = options_that_tell(told);
  how.wait_for = 40ms;
  const auto limit = after(40ms);
  CHECK_THROWS_AS(redial_now({port.local()}, how), GivenUp);
  CHECK(Clock::now() >= limit);
  CHECK(told.attempts.size() > 2);
  how.retries = 1;  // whichever ends first
  how.wait_for = 1h;
  CHECK_THROWS_WITH_AS(redial_now({port.local()}, how), doctest::Contains("given up after 2 attempts"),
                       GivenUp);
}

TEST_CASE("redial: each attempt has its own time-out, and no more than what is left") {
  const auto listener = listening_port(0);
  auto waiting = open_socket(AF_INET, {});  // takes the only place
  waiting.connect(listener.local());
  Told told;
  auto how = options_that_tell(told);
  how.retries = 2;
  how.attempt_timeout = 10ms;
  const auto name = listener.local().to_string();
  CHECK_THROWS_WITH_AS(redial_now({listener.local()}, how),
                       ("connect " + name + ": timed out; given up after 3 attempts").c_str(), GivenUp);
  how.attempt_timeout = 1h;
  how.wait_for = 30ms;
  CHECK_THROWS_WITH_AS(redial_now({listener.local()}, how), doctest::Contains("given up after 1 attempt"),
                       GivenUp);
}

TEST_CASE("redial: it connects as soon as somebody listens") {
  auto socket = bound_port();
  const auto dial_it = [](Address address, Socket& listens) -> Task<> {
    RedialOptions how;
    how.delay = 1ms;
    how.wait_for = 20s;
    how.tell = [&listens](unsigned attempt, const std::string&) {
      if (attempt == 3) listens.listen(1);
    };
    Endpoint endpoint{address};
    DialOptions options;
    const auto dialed = co_await redial(std::move(endpoint), std::move(options), std::move(how));
    CHECK(dialed.peer.to_string() == address.to_string());
  };
  EventLoop loop;
  loop.run(dial_it(socket.local(), socket));
}

TEST_CASE("redial: a unix socket that is not there yet is waited for") {
  const Folder folder;
  const auto address = Address::unix_name(folder / "socket");
  auto server = open_socket(AF_UNIX, {});
  RedialOptions how;
  how.delay = 1ms;
  how.retries = 10;
  how.tell = [&](unsigned attempt, const std::string& failure) {
    if (attempt == 1) CHECK(failure.find("No such file") != std::string::npos);
    if (attempt == 2) server.bind(address);  // now it refuses
    if (attempt == 3) CHECK(failure.find("refused") != std::string::npos);
    if (attempt == 3) server.listen(1);
  };
  CHECK(redial_now({address}, how).peer.path() == folder / "socket");
}

TEST_CASE("redial: what will be the same the next time is not tried again") {
  Told told;
  auto how = options_that_tell(told);
  how.retries = 5;
  how.wait_for = 20s;
  CHECK_THROWS_AS(redial_now({InheritedFd{12345}}, how), BadInput);
  DialOptions with_bad_congestion;
  with_bad_congestion.stream.congestion = "no-such-algorithm";
  const auto listener = listening_port();
  CHECK_THROWS_AS(redial_now({listener.local()}, how, with_bad_congestion), BadInput);
  CHECK(told.attempts.empty());
}
