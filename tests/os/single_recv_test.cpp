#include "os/single_recv.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <cerrno>
#include <string>
#include <thread>

#include "../support/records.hpp"
#include "os/calls.hpp"
#include "os/fd_passing.hpp"

using namespace sockx;
using namespace test;

namespace {

bool comes(int fd, short event) {
  pollfd entry{fd, event, 0};
  return poll(&entry, 1, 20'000) == 1 && (entry.revents & event) != 0;
}

}  // namespace

TEST_CASE("single recv: what has come, then nothing, then the end") {
  auto sockets = unix_pair();
  const auto ours = peer(sockets.ours);
  put(sockets.theirs.get(), "abc");
  const auto got = recv_as_asked(ours, 100, 0);
  CHECK(got.returned == 3);
  CHECK(got.error == 0);
  CHECK(got.flags == 0);
  CHECK(string_of(got.bytes) == "abc");
  const auto nothing = recv_as_asked(ours, 100, 0);
  CHECK(nothing.returned == -1);
  CHECK(nothing.error == EAGAIN);
  CHECK(nothing.bytes.empty());
  sockets.theirs.reset();
  const auto end = recv_as_asked(ours, 100, 0);
  CHECK(end.returned == 0);
  CHECK(end.error == 0);
}

TEST_CASE("single recv: peek leaves what it shows") {
  const auto sockets = unix_pair();
  put(sockets.theirs.get(), "abc");
  CHECK(string_of(recv_as_asked(peer(sockets.ours), 2, MSG_PEEK).bytes) == "ab");
  CHECK(string_of(recv_as_asked(peer(sockets.ours), 100, 0).bytes) == "abc");
}

TEST_CASE("single recv: trunc drops what it counts on TCP and tells a record's whole size") {
  const auto stream = tcp_pair();
  put(stream.theirs.get(), "abcdef");
  REQUIRE(comes(stream.ours.get(), POLLIN));
  const auto dropped = recv_as_asked(peer(stream.ours), 4, MSG_TRUNC);
  CHECK(dropped.returned == 4);
  CHECK(dropped.bytes.empty());
  CHECK(string_of(recv_as_asked(peer(stream.ours), 100, 0).bytes) == "ef");

  const auto records = record_pair();
  put_record(records.theirs.get(), "0123456789");
  const auto cut = recv_as_asked(peer(records.ours), 4, MSG_TRUNC);
  CHECK(cut.returned == 10);
  CHECK((cut.flags & MSG_TRUNC) != 0);
  CHECK(string_of(cut.bytes) == "0123");
}

TEST_CASE("single recv: a record cut short says so also when nobody asked") {
  const auto records = record_pair();
  put_record(records.theirs.get(), "0123456789");
  const auto cut = recv_as_asked(peer(records.ours), 4, 0);
  CHECK(cut.returned == 4);
  CHECK((cut.flags & MSG_TRUNC) != 0);
  CHECK((cut.flags & MSG_EOR) == 0);
}

TEST_CASE("single recv: waitall waits for the rest") {
  const auto sockets = unix_pair(0);
  const auto theirs = peer(sockets.theirs);
  put(sockets.theirs.get(), "ab");
  std::thread second([&] {
    while (unacknowledged(theirs) != 0U) std::this_thread::yield();  // until the first has been taken
    put(sockets.theirs.get(), "cd");
  });
  const auto got = recv_as_asked(peer(sockets.ours), 4, MSG_WAITALL);
  second.join();
  CHECK(got.returned == 4);
  CHECK(string_of(got.bytes) == "abcd");
}

TEST_CASE("single recv: the urgent byte of TCP comes by oob alone") {
  const auto sockets = tcp_pair();
  const auto ours = peer(sockets.ours);
  REQUIRE(send(sockets.theirs.get(), "abX", 3, MSG_OOB) == 3);
  REQUIRE(comes(sockets.ours.get(), POLLPRI));
  const auto urgent = recv_as_asked(ours, 100, MSG_OOB);
  CHECK(urgent.returned == 1);
  CHECK((urgent.flags & MSG_OOB) != 0);
  CHECK(string_of(urgent.bytes) == "X");
  CHECK(string_of(recv_as_asked(ours, 100, 0).bytes) == "ab");
  CHECK(recv_as_asked(ours, 100, MSG_OOB).error == EINVAL);
}

TEST_CASE("single recv: dontwait does not wait on a socket in blocking mode") {
  const auto sockets = unix_pair(0);
  const auto nothing = recv_as_asked(peer(sockets.ours), 100, MSG_DONTWAIT);
  CHECK(nothing.returned == -1);
  CHECK(nothing.error == EAGAIN);
  CHECK(nothing.flags == 0);
  put(sockets.theirs.get(), "abc");
  CHECK(string_of(recv_as_asked(peer(sockets.ours), 100, MSG_DONTWAIT).bytes) == "abc");
}

TEST_CASE("single recv: descriptors that come along are closed") {
  const auto sockets = unix_pair();
  const auto before = open_descriptors();
  REQUIRE(pass_fd(peer(sockets.theirs), 0));
  CHECK(recv_as_asked(peer(sockets.ours), 100, 0).returned == 1);
  CHECK(open_descriptors() == before);
}
