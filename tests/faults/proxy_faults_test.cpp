// connect through a proxy, which the healthy program plays: it gives its answers without having been asked.
#include <doctest/doctest.h>

#include "../support/files.hpp"
#include "../support/proxies.hpp"
#include "scenario.hpp"

using namespace test;

namespace {

/// With buffers so small that one call does not do.
Scenario by_proxy(const std::string& name, const std::string& scheme, const std::string& request,
                  const std::string& answers) {
  const std::vector<std::string> small{"--opt", "SO_SNDBUF=16384", "--opt", "SO_RCVBUF=16384"};
  Scenario scenario{name,
                    {{"--quiet", "connect"}, Place::pipe, Place::file},
                    {{"--quiet", "listen"}, Place::pipe, Place::pipe}};
  scenario.faulty.words = scenario.faulty.words + small +
                          std::vector<std::string>{"--proxy", scheme + "://ENDPOINT", "host.example", "443"};
  scenario.healthy.words = scenario.healthy.words + small + std::vector<std::string>{"ENDPOINT"};
  scenario.sent = noise(100'000, 1);
  scenario.received = noise(100'000, 2);
  scenario.arrives = request + scenario.sent;
  scenario.answers = answers;
  return scenario;
}

}  // namespace

TEST_SUITE("faults: proxies") {
  TEST_CASE("connect through a SOCKS5 proxy survives the fault of every call") {
    meet_every_fault(by_proxy("connect --proxy socks5h", "socks5h",
                              std::string("\5\1\0", 3) + socks5_request_for("host.example", 443),
                              socks5_no_login + socks5_connected));
  }
  TEST_CASE("connect through an HTTP proxy survives the fault of every call") {
    meet_every_fault(by_proxy("connect --proxy http", "http",
                              "CONNECT host.example:443 HTTP/1.1\r\nHost: host.example:443\r\n\r\n",
                              http_connected));
  }
}
