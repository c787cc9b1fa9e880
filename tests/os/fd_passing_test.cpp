#include "os/fd_passing.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/thrown.hpp"

using namespace sockx;
using namespace test;

namespace {

/// One message that carries two descriptors.
void pass_two(int socket, int first, int second) {
  const std::array fds{first, second};
  char byte = 0;
  iovec content{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(rights), fds.data(), sizeof fds);
  REQUIRE(sendmsg(socket, &message, 0) == 1);
}

}  // namespace

TEST_CASE("fd passing: a descriptor arrives, works and is close-on-exec") {
  for (const int flags : {0, static_cast<int>(SOCK_NONBLOCK)}) {
    const auto sockets = unix_pair(flags);
    auto pipe = make_pipe_ends();
    CHECK_FALSE(receive_fd(peer(sockets.ours)));  // and does not wait
    REQUIRE(pass_fd(peer(sockets.theirs), pipe.write.get()));
    pipe.write.reset();
    auto passed = receive_fd(peer(sockets.ours));
    REQUIRE(passed);
    CHECK((fcntl(passed->get(), F_GETFD) & FD_CLOEXEC) != 0);
    put(passed->get(), "through it");
    passed->reset();
    CHECK(read_available(pipe.read.get()) == "through it");
    CHECK_FALSE(receive_fd(peer(sockets.ours)));
  }
}

TEST_CASE("fd passing: one after another they keep their order") {
  const auto sockets = unix_pair();
  const auto first = make_pipe_ends(), second = make_pipe_ends();
  REQUIRE(pass_fd(peer(sockets.theirs), first.write.get()));
  REQUIRE(pass_fd(peer(sockets.theirs), second.write.get()));
  put(receive_fd(peer(sockets.ours)).value().get(), "1");
  put(receive_fd(peer(sockets.ours)).value().get(), "2");
  CHECK(read_available(first.read.get()) == "1");
  CHECK(read_available(second.read.get()) == "2");
}

TEST_CASE("fd passing: bytes without a descriptor and the end are errors of the peer") {
  auto sockets = unix_pair();
  put(sockets.theirs.get(), "x");
  for (const bool at_end : {false, true}) {
    CAPTURE(at_end);
    if (at_end) sockets.theirs.reset();
    const auto error = thrown_by<Error>([&] { receive_fd(peer(sockets.ours)); });
    REQUIRE(error);
    CHECK(error->number() == EPROTO);
    CHECK(error->origin() == Origin::peer);
    CHECK(std::string(error->what()) == "recvmsg peer: no descriptor came: Protocol error");
  }
}

TEST_CASE("fd passing: of two in one message none is left open unseen") {
  const auto sockets = unix_pair();
  const auto pipe = make_pipe_ends();
  const auto before = open_descriptors();
  pass_two(sockets.theirs.get(), pipe.write.get(), pipe.read.get());
  auto passed = receive_fd(peer(sockets.ours));
  REQUIRE(passed);
  put(passed->get(), "the first");
  CHECK(read_available(pipe.read.get()) == "the first");
  passed->reset();
  CHECK(open_descriptors() == before);
}

TEST_CASE("fd passing: a socket that is full takes it later, and what is no unix socket never") {
  const auto sockets = unix_pair();
  fill(sockets.theirs.get());
  CHECK_FALSE(pass_fd(peer(sockets.theirs), 0));
  read_available(sockets.ours.get());
  CHECK(pass_fd(peer(sockets.theirs), 0));
  const auto tcp = tcp_pair();
  const auto error = thrown_by<Error>([&] {
    pass_fd(peer(tcp.theirs), 0);
    receive_fd(peer(tcp.ours)).value();
  });
  REQUIRE(error);
  CHECK(error->origin() == Origin::peer);
}
