#include <doctest/doctest.h>

#include "server_scenario.hpp"

using namespace test;

TEST_SUITE("faults: servers") {
  TEST_CASE("a server that echoes survives the fault of every call") {
    meet_every_fault(ServerScenario{"echo", {"--handler", "echo"}});
  }
  TEST_CASE("a server of programs survives the fault of every call") {
    // The pipes of a program are no faster way, but the only one.
    meet_every_fault(ServerScenario{.name = "--exec", .words = {"--exec", "--", "cat"}, .costly = {"pipe2"}});
  }
  TEST_CASE("a server that echoes over TLS survives the fault of every call") {
    meet_every_fault(ServerScenario{
        .name = "echo over TLS", .words = {"--handler", "echo"}, .over = Transport::Kind::tls13});
  }
  TEST_CASE("a server that echoes over TLS 1.2 survives the fault of every call") {
    meet_every_fault(ServerScenario{
        .name = "echo over TLS 1.2", .words = {"--handler", "echo"}, .over = Transport::Kind::tls12});
  }
  TEST_CASE("a server of programs over TLS survives the fault of every call") {
    meet_every_fault(ServerScenario{.name = "--exec over TLS",
                                    .words = {"--exec", "--", "cat"},
                                    .costly = {"pipe2"},
                                    .over = Transport::Kind::tls13});
  }
  TEST_CASE("a server that forwards survives the fault of every call") {
    meet_every_fault(ServerScenario{"--forward", {"--forward", "TARGET"}, true});
  }
  TEST_CASE("a proxy server survives the fault of every call") {
    meet_every_fault(ServerScenario{.name = "proxy",
                                    .words = {"--handler", "proxy", "--proxy-to", "TARGET"},
                                    .has_target = true,
                                    .opening = "CONNECT TARGET HTTP/1.1\r\n\r\n",
                                    .answer = "HTTP/1.1 200 Connection established\r\n\r\n"});
  }
  TEST_CASE("a server that reads a PROXY header survives the fault of every call") {
    meet_every_fault(ServerScenario{.name = "--accept-proxy",
                                    .words = {"--handler", "echo", "--accept-proxy", "127.0.0.1"},
                                    .opening = "PROXY TCP4 192.0.2.1 198.51.100.7 51000 443\r\n"});
  }
  TEST_CASE("a server that forwards with a PROXY header survives the fault of every call") {
    meet_every_fault(ServerScenario{.name = "--forward --send-proxy",
                                    .words = {"--forward", "TARGET", "--send-proxy", "v2"},
                                    .has_target = true,
                                    .target_words = {"--accept-proxy", "127.0.0.1"}});
  }
}
