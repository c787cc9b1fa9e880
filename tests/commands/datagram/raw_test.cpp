// sockx raw, in a network of the test's own, where it has CAP_NET_RAW whoever runs the test.
#include "../../support/events.hpp"
#include "../../support/namespace.hpp"
#include "../../support/sockx.hpp"

namespace test {

namespace {

/// An echo request with a checksum still to be filled in; of ICMPv6, the kernel does that.
std::string echo_request(char type) { return std::string{type, 0, 0, 0, 0, 7, 0, 1} + "hello"; }

Process pinging(const Namespace& net, const std::vector<std::string>& words) {
  return Process(net.within(sockx({"raw"}) + words), {Stdio::pipe()});
}

}  // namespace

TEST_SUITE("raw") {
  TEST_CASE("an echo request made by hand is answered, and the answer shown") {
    const Namespace net("");
    if (!net.works()) return;
    for (const bool six : {false, true}) {
      // On the loopback one's own request is heard as well.
      auto ping = pinging(net, {six ? "ipv6-icmp" : "icmp", six ? "::1" : "127.0.0.1", "--framing", "all",
                                "--checksum", "2", "--expect", "2", "--reply-timeout", "20s"});
      ping.feed(echo_request(six ? '\x80' : '\x08'));
      check_end(ping, exited(0));
      const auto lines = lines_of(ping.out());
      REQUIRE(lines.size() == 2);
      const std::string source = six ? "::1 " : "127.0.0.1 ";
      CHECK(lines[0].starts_with(source + (six ? "8000" : "0800")));
      CHECK(lines[1].starts_with(source + (six ? "8100" : "0000")));
      CHECK(lines[1].ends_with("0007000168656c6c6f"));
    }
  }

  TEST_CASE("with --ip-header the header that is sent is the one given") {
    const Namespace net("");
    if (!net.works()) return;
    // A packet socket sees what goes over the loopback.
    Process watcher(net.within({"python3", "-c", R"(
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(0x0800))
s.bind(('lo', 0))
s.settimeout(20)
print('up', flush=True)
while True:
    packet = s.recv(2000)
    if packet[9] == 253: break
print(packet.hex(), flush=True)
)"}));
    watcher.out_line("up");
    // Version and length, TOS 0x28, total length, identification 0xbeef, no fragment, TTL 7, protocol 253.
    std::string packet{0x45, 0x28, 0, 25, '\xbe', '\xef', 0, 0, 7, '\xfd', 0, 0, 127, 0, 0, 9, 127, 0, 0, 1};
    packet += "hello";
    auto sending = pinging(net, {"253", "--ip-header", "--framing", "all", "--reply-timeout", "0"});
    sending.feed(packet);
    check_end(sending, exited(0));
    const auto seen = watcher.out_line("45");
    CHECK(seen.substr(0, 20) == "45280019beef000007fd");
    CHECK(seen.substr(24) == "7f0000097f00000168656c6c6f");
  }

  TEST_CASE("without HOST it shows what comes from everybody, in the format asked for") {
    const Namespace net("");
    if (!net.works()) return;
    Process hearing(net.within(sockx({"raw", "icmp", "--format", "json", "--datagrams", "2", "-v"})));
    hearing.err_line("receiving");
    auto ping = pinging(net, {"icmp", "127.0.0.1", "--framing", "all", "--checksum", "2", "--expect", "2"});
    ping.feed(echo_request('\x08'));
    check_end(ping, exited(0));
    check_end(hearing, exited(0));
    const auto events = events_in(hearing.out());
    REQUIRE(events.size() == 2);
    CHECK(events[1]["source"] == "127.0.0.1");
    CHECK(events[1]["ttl"] == 64);
    CHECK(events[1]["size"] == 13);
  }

  TEST_CASE("with --ip-header what is shown begins with the header too") {
    const Namespace net("");
    if (!net.works()) return;
    Process hearing(
        net.within(sockx({"raw", "icmp", "--ip-header", "--expect", "1", "--reply-timeout", "20s", "-v"})),
        {Stdio::pipe()});
    hearing.err_line("receiving");
    auto ping = pinging(net, {"icmp", "127.0.0.1", "--framing", "all", "--checksum", "2", "--expect", "2"});
    ping.feed(echo_request('\x08'));
    check_end(ping, exited(0));
    hearing.close_input();
    check_end(hearing, exited(0));
    CHECK(contains(lines_of(hearing.out()).front(), " 4500"));
  }

  TEST_CASE("without the privilege it is 8, and the line says which") {
    const auto unprivileged =
        std::vector<std::string>{"setpriv", "--bounding-set", "-all", "--inh-caps", "-all"};
    const Namespace net("");
    if (!net.works()) return;
    Process process(net.within(unprivileged + sockx({"raw", "icmp"})));
    check_failure(process, 8, "CAP_NET_RAW");
  }

  TEST_CASE("bad words are 2, and quoted") {
    const Namespace net("");
    if (!net.works()) return;
    for (const auto& [words, said] : std::vector<std::pair<std::vector<std::string>, std::string>>{
             {{"nosuch", "127.0.0.1"}, "'nosuch'"},
             {{"300", "127.0.0.1"}, "'300'"},
             {{"0", "127.0.0.1"}, "'0'"},
             {{"255", "127.0.0.1"}, "--ip-header"},
             {{"253", "::1", "--checksum", "3"}, "even"},
             {{"icmp", "--checksum", "2"}, "HOST"},
             {{"icmp", "::1"}, "ipv6-icmp"},
             {{"icmp", "127.0.0.1", "--source", "::1"}, "--source: '::1': '127.0.0.1' has no address"},
             {{"icmp", "--expect", "1"}, "HOST"},
             {{"icmp", "127.0.0.1", "--checksum", "-1"}, "-1"}}) {
      auto process = pinging(net, words);
      process.close_input();
      check_failure(process, 2, said);
    }
    auto short_packet = pinging(net, {"icmp", "127.0.0.1", "--checksum", "2"});
    short_packet.feed("abc");
    check_failure(short_packet, 2, "3 bytes");
    const std::string packet{0x45, 0, 0, 20, 0, 0, 0, 0, 7, '\xfd', 0, 0, 127, 0, 0, 1, 127, 0, 0, 1};
    auto one_good = pinging(net, {"253", "--ip-header", "--framing", "len32", "--json"});
    one_good.feed(std::string{0, 0, 0, 20} + packet + std::string{0, 0, 0, 3} + "bad");
    check_end(one_good, exited(2));
    CHECK(contains(one_good.err(), "\"sent\":1,"));  // what stands before it goes
    auto no_header = pinging(net, {"253", "--ip-header"});
    no_header.feed("not a header\n");
    check_failure(no_header, 2, "IPv4 header");
  }
}

}  // namespace test
