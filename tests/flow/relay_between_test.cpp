// relay() between two connections, as forwarding uses it.
#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/far_ends.hpp"
#include "../support/files.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/cut_unless_complete.hpp"
#include "flow/relay.hpp"
#include "flow/task_group.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

/// Two connections that are joined, and the test's ends of them.
class Joint {
 public:
  explicit Joint(bool is_unix = false)
      : Joint(is_unix ? unix_pair() : tcp_pair(), is_unix ? unix_pair() : tcp_pair()) {}

  /// Runs the relay beside `play`, and closes both connections then.
  void run(Task<> play, RelayRules rules = {}) { loop.run(all(act(std::move(rules)), std::move(play))); }

  EventLoop loop;
  FarEnd left, right;
  Tally tally;

 private:
  Joint(SocketEnds left_pair, SocketEnds right_pair)
      : left(loop, std::move(left_pair.theirs)),
        right(loop, std::move(right_pair.theirs)),
        to_left_(loop, std::move(left_pair.ours), "left", Origin::peer),
        to_right_(loop, std::move(right_pair.ours), "right", Origin::peer) {
    signal(SIGPIPE, SIG_IGN);
  }

  Task<> act(RelayRules rules) {
    CutUnlessComplete left_cut(to_left_.facts().fd), right_cut(to_right_.facts().fd);
    const Closing closing(*this);
    Duplex first{to_left_, to_left_, &left_cut}, second{to_right_, to_right_, &right_cut};
    co_await relay(std::move(first), std::move(second), std::move(rules), tally, [](const RelayEvent&) {});
  }

  /// Goes after the relay and before what says how the connections are closed.
  class Closing {
   public:
    explicit Closing(Joint& joint) : joint_(joint) {}
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;
    ~Closing() {
      joint_.to_left_.close();
      joint_.to_right_.close();
    }

   private:
    Joint& joint_;
  };

  Stream to_left_, to_right_;
};

/// What a read of a connection that has been reset says.
bool is_reset(const FarEnd& end) {
  char byte = 0;
  return read(end.fd.get(), &byte, 1) < 0 && errno == ECONNRESET;
}

}  // namespace

TEST_CASE("relay: between two connections either may end first, and still gets the answer") {
  for (const bool is_unix : {false, true}) {
    for (const bool left_first : {false, true}) {
      CAPTURE(is_unix);
      CAPTURE(left_first);
      Joint joint(is_unix);
      auto& asking = left_first ? joint.left : joint.right;
      auto& answering = left_first ? joint.right : joint.left;
      std::string question, answer;
      const auto play = [&]() -> Task<> {
        co_await write_all(asking, "the question");
        shutdown(asking.fd.get(), SHUT_WR);
        co_await read_to_end(answering, question);
        co_await write_all(answering, "the answer");
        shutdown(answering.fd.get(), SHUT_WR);
        co_await read_to_end(asking, answer);
      };
      joint.run(play());
      CHECK(question == "the question");
      CHECK(answer == "the answer");
      CHECK(joint.tally.sent == (left_first ? 12 : 10));
      CHECK(joint.tally.received == (left_first ? 10 : 12));
    }
  }
}

TEST_CASE("relay: between two connections much goes both ways at once and none is lost") {
  Joint joint;
  const auto content = noise(3'000'000);
  const auto say = [&content](FarEnd& end) -> Task<> {
    co_await write_all(end, content);
    shutdown(end.fd.get(), SHUT_WR);
  };
  std::string at_left, at_right;
  joint.run(all(all(say(joint.left), say(joint.right)),
                all(read_to_end(joint.left, at_left), read_to_end(joint.right, at_right))));
  CHECK(difference(at_left, content) == "");
  CHECK(difference(at_right, content) == "");
}

TEST_CASE("relay: the reset of one connection is a reset of the other, in mid-stream and after its end") {
  for (const bool has_ended : {false, true}) {
    for (const bool resets_left : {false, true}) {
      CAPTURE(has_ended);
      CAPTURE(resets_left);
      Joint joint;
      auto& resetting = resets_left ? joint.left : joint.right;
      auto& other = resets_left ? joint.right : joint.left;
      std::string heard;
      const auto play = [&]() -> Task<> {
        co_await write_all(resetting, "a part");
        co_await read_until(other, heard, 6);
        if (has_ended) shutdown(other.fd.get(), SHUT_WR);
        auto& loop = co_await this_loop();
        co_await loop.next_turn();
        const linger at_once{1, 0};
        setsockopt(resetting.fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        REQUIRE(dup2(open_null().get(), resetting.fd.get()) == resetting.fd.get());
        co_await loop.sleep_until(never);
      };
      const auto error = thrown_by<Error>([&] { joint.run(play()); });
      REQUIRE(error);
      CHECK(error->number() == ECONNRESET);
      CHECK(is_reset(other));
    }
  }
}

TEST_CASE("relay: what a unix peer said before it closed goes on, and the other may end") {
  Joint joint(true);
  std::string heard;
  const auto play = [&]() -> Task<> {
    co_await write_all(joint.left, "last words");
    joint.left.watch.presume_writable();
    shutdown(joint.left.fd.get(), SHUT_RDWR);
    co_await read_to_end(joint.right, heard);
    shutdown(joint.right.fd.get(), SHUT_WR);
  };
  joint.run(play());
  CHECK(heard == "last words");
}

TEST_CASE("relay: between two connections silence is a time-out of both") {
  Joint joint;
  RelayRules rules;
  rules.idle_timeout = 20ms;
  const auto nothing = []() -> Task<> { co_return; };
  CHECK_THROWS_AS(joint.run(nothing(), std::move(rules)), TimedOut);
  CHECK(is_reset(joint.left));
  CHECK(is_reset(joint.right));
}
