#include "os/observer.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "../support/descriptors.hpp"
#include "os/bytes.hpp"
#include "os/calls.hpp"

using namespace sockx;
using namespace test;

namespace {

/// The calls made while it lives, each as a line.
class Recording {
 public:
  Recording() { set_call_observer(&observer_); }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() { set_call_observer(nullptr); }
  std::vector<std::string> lines;

 private:
  CallObserver observer_ = [this](const ObservedCall& call) {
    lines.push_back(
        text("{}({}) = {}{}", call.name, call.arguments, call.result, call.would_block ? " not now" : ""));
    errno = 0;  // as whatever writes a line may do
  };
};

}  // namespace

TEST_CASE("observer: what another thread does is not observed") {
  const CallObserver observer = [](const ObservedCall&) {};
  set_call_observer(&observer);
  CHECK(calls_are_observed());
  bool elsewhere = true;
  std::thread([&] { elsewhere = calls_are_observed(); }).join();
  CHECK_FALSE(elsewhere);
  set_call_observer(nullptr);
}

TEST_CASE("observer: it sees every call in order with arguments and result") {
  auto sockets = unix_pair();
  const int number = sockets.ours.get();
  const auto socket = describe(number, "peer", Origin::peer);
  std::array<std::byte, 10> buffer;
  std::vector<std::string> lines;
  {
    Recording recording;
    write_some(socket, std::as_bytes(std::span("abc", 3)));
    CHECK(read_some(socket, buffer).state == IoResult::State::again);
    put(sockets.theirs.get(), "de");
    read_some(socket, buffer);
    shutdown_write(socket);
    sockets.ours.reset();
    lines = recording.lines;
  }
  CHECK(lines ==
        std::vector{text("send({}, 3, MSG_NOSIGNAL) = 3", number),
                    text("recv({}, 10, 0) = -1 EAGAIN (Resource temporarily unavailable) not now", number),
                    text("recv({}, 10, 0) = 2", number), text("shutdown({}, SHUT_WR) = 0", number),
                    text("close({}) = 0", number)});
}

TEST_CASE("observer: it changes neither the result nor errno") {
  const Recording recording;
  errno = ECONNREFUSED;
  CHECK(observe_call("connect", -1, "{}", 5) == -1);
  CHECK(errno == ECONNREFUSED);
  CHECK(recording.lines == std::vector<std::string>{"connect(5) = -1 ECONNREFUSED (Connection refused)"});
}

TEST_CASE("observer: without one nothing is formatted") {
  CHECK_FALSE(calls_are_observed());
  CHECK(observe_call("read", 7, "{}", 1) == 7);
}

TEST_CASE("uninterrupted: EINTR is tried again and other errors are not") {
  int calls = 0;
  const auto interrupted_twice = [&calls]() -> long {
    errno = EINTR;
    return ++calls < 3 ? -1 : 42;
  };
  CHECK(uninterrupted(interrupted_twice) == 42);
  CHECK(calls == 3);
  calls = 0;
  const auto broken = [&calls]() -> long {
    ++calls;
    errno = EIO;
    return -1;
  };
  CHECK(uninterrupted(broken) == -1);
  CHECK(calls == 1);
}
