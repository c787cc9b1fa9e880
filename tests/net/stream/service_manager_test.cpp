#include "net/stream/service_manager.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include "../../support/descriptors.hpp"
#include "base/error.hpp"

using namespace sockx;

TEST_CASE("activation: the descriptors from 3 on are ours, with their names") {
  const auto plain = parse_activation({"17", "2", {}, {}}, 17);
  REQUIRE(plain.size() == 2);
  CHECK(plain[0].fd == 3);
  CHECK(plain[1].fd == 4);
  CHECK(plain[1].name == "");
  const auto named = parse_activation({"17", "3", "http:https:", {}}, 17);
  REQUIRE(named.size() == 3);
  CHECK(named[0].name == "http");
  CHECK(named[1].name == "https");
  CHECK(named[2].name == "");
}

TEST_CASE("activation: what is wrong with the variables is quoted") {
  using Word = std::optional<std::string>;
  struct Row {
    Word pid, fds, names;
    std::string message;
  };
  for (const auto& [pid, fds, names, message] : {
           Row{{}, "1", {}, "LISTEN_PID is not set"},
           Row{"17", {}, {}, "LISTEN_FDS is not set"},
           Row{"16", "1", {}, "LISTEN_PID: '16': the sockets are for that process, and this is 17"},
           Row{"17 ", "1", {}, "LISTEN_PID: '17 ': it must be a process ID"},
           Row{"", "1", {}, "LISTEN_PID: '': it must be a process ID"},
           Row{"-17", "1", {}, "LISTEN_PID: '-17': it must be a process ID"},
           Row{"99999999999", "1", {}, "LISTEN_PID: '99999999999': it must be a process ID"},
           Row{"17", "0", {}, "LISTEN_FDS: '0': it must be a number of sockets from 1"},
           Row{"17", "-1", {}, "LISTEN_FDS: '-1': it must be a number of sockets from 1"},
           Row{"17", "2147483647", {}, "LISTEN_FDS: '2147483647': it must be a number of sockets from 1"},
           Row{"17", "one", {}, "LISTEN_FDS: 'one': it must be a number of sockets from 1"},
           Row{"17", "2", "http", "LISTEN_FDNAMES: 'http': it must have 2 names"},
           Row{"17", "1", "a:b", "LISTEN_FDNAMES: 'a:b': it must have 1 names"},
       }) {
    CAPTURE(message);
    CHECK_THROWS_WITH_AS(parse_activation({pid, fds, names, {}}, 17), doctest::Contains(message.c_str()),
                         BadInput);
  }
}

TEST_CASE("activation: the variables are taken out of the environment") {
  for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "NOTIFY_SOCKET"})
    setenv(name, name, 1);
  const auto taken = ActivationVariables::take();
  CHECK(taken.pid == "LISTEN_PID");
  CHECK(taken.fds == "LISTEN_FDS");
  CHECK(taken.names == "LISTEN_FDNAMES");
  CHECK(taken.notify == "NOTIFY_SOCKET");
  for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "NOTIFY_SOCKET"})
    CHECK(getenv(name) == nullptr);
  CHECK_FALSE(ActivationVariables::take().fds);
}

TEST_CASE("activation: the address of the service manager is a path or an abstract name") {
  for (const auto* bad : {"", "/", "@", "relative", "vsock:2:1"})
    CHECK_THROWS_AS(ServiceManager{bad}, BadInput);
  CHECK_THROWS_AS(ServiceManager("/nobody/here").tell("READY=1"), Error);
}
