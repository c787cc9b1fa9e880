#include "net/stream/scan.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "../../support/descriptors.hpp"
#include "../../support/in_child.hpp"
#include "../../support/ports.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

std::uint16_t port_of(const Socket& socket) { return static_cast<std::uint16_t>(socket.local().port()); }

std::map<std::uint32_t, PortResult> scan_now(const std::string& host, ScanOptions options) {
  std::map<std::uint32_t, PortResult> results;
  options.tell = [&results](const PortResult& result) {
    CHECK(results.emplace(result.address.port(), result).second);
  };
  EventLoop loop;
  loop.run(scan(host, std::move(options)));
  return results;
}

}  // namespace

TEST_CASE("scan: an open port, a closed one and one that does not answer") {
  const auto open = listening_port(), closed = bound_port(), full = listening_port(0);
  auto waiting = open_socket(AF_INET, {});  // takes the only place
  waiting.connect(full.local());
  const auto before = open_descriptors();
  for (const std::size_t parallel : {1, 2, 100}) {
    ScanOptions options;
    options.ports = {port_of(open), port_of(closed), port_of(full)};
    options.timeout = 20ms;
    options.parallel = parallel;
    const auto results = scan_now("127.0.0.1", options);
    REQUIRE(results.size() == 3);
    const auto &one = results.at(port_of(open)), &two = results.at(port_of(closed)),
               &three = results.at(port_of(full));
    CHECK(one.state == PortState::open);
    CHECK(one.error == 0);
    CHECK(one.reason.empty());
    CHECK(two.state == PortState::refused);
    CHECK(two.error == ECONNREFUSED);
    CHECK(two.reason == "Connection refused");
    CHECK(three.state == PortState::timed_out);
    CHECK(three.error == ETIMEDOUT);
    CHECK(three.span >= 20ms);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("scan: several addresses of one name are raced for each port") {
  const auto open = listening_port();
  ScanOptions options;
  options.ports = {port_of(open)};
  const auto results = scan_now("localhost", options);
  REQUIRE(results.size() == 1);
  CHECK(results.begin()->second.address.to_string() == open.local().to_string());
}

TEST_CASE("scan: a name that is not known is an error of its own") {
  ScanOptions options;
  options.ports = {1};
  options.stream.numeric = true;
  CHECK_THROWS_WITH_AS(scan_now("localhost", options), doctest::Contains("EAI_NONAME"), std::runtime_error);
}

TEST_CASE("scan: where descriptors run out the others take the port") {
  const auto end = in_child([] {
    const auto full = listening_port(0);
    auto waiting = open_socket(AF_INET, {});
    waiting.connect(full.local());
    EventLoop loop;
    ScanOptions options;
    options.timeout = 20ms;
    options.parallel = 200;
    for (std::uint16_t port = 1; port <= 200; ++port) options.ports.push_back(port);
    options.ports.insert(options.ports.begin(), 8, port_of(full));  // these hold their descriptors
    std::size_t told = 0;
    options.tell = [&told](const PortResult& result) {
      told += result.state == PortState::failed ? 1000 : 1;
    };
    const auto limit = static_cast<rlim_t>(open_descriptors() + 4);
    const rlimit few{limit, limit};
    if (setrlimit(RLIMIT_NOFILE, &few) != 0) return 1;
    loop.run(scan("127.0.0.1", options));
    return told == 208 ? 0 : 2;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("scan: without a descriptor for even one attempt it fails") {
  const auto end = in_child([] {
    EventLoop loop;
    ScanOptions options;
    options.ports = {1, 2, 3};
    options.parallel = 3;
    const rlimit few{3, 3};
    if (setrlimit(RLIMIT_NOFILE, &few) != 0) return 1;
    const auto error = thrown_by<Error>([&] { loop.run(scan("127.0.0.1", options)); });
    return error && error->number() == EMFILE ? 0 : 2;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("scan: what is to be scanned, in one word or two") {
  struct Row {
    std::vector<std::string> words;
    std::string host;
    std::size_t ports;
  };
  for (const auto& [words, host, ports] : {
           Row{{"example.com", "22,80"}, "example.com", 2},
           Row{{"example.com:22,80"}, "example.com", 2},
           Row{{"::1", "1-10"}, "::1", 10},
           Row{{"[::1]:1-10"}, "::1", 10},
           Row{{"127.0.0.1:http"}, "127.0.0.1", 1},
       }) {
    const auto target = ScanTarget::parse(words);
    CHECK(target.host == host);
    CHECK(target.ports.size() == ports);
  }
  struct Wrong {
    std::vector<std::string> words;
    std::string message;
  };
  for (const auto& [words, message] : {
           Wrong{{"example.com"}, "'example.com': the ports are missing"},
           Wrong{{"unix:/run/x"}, "'unix:/run/x': only a host has ports"},
           Wrong{{"fd:3", "22"}, "'fd:3': only a host has ports"},
           Wrong{{":22"}, "the host is empty"},
           Wrong{{"::1:80"}, "'::1:80': an IPv6 address before a port is written in brackets"},
           Wrong{{"host", "22,x y"}, "'x y': no such service"},
       })
    CHECK_THROWS_WITH_AS(ScanTarget::parse(words), doctest::Contains(message.c_str()), BadInput);
}
