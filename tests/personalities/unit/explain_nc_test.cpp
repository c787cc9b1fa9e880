// explain: the command of sockx for a command line of nc.
#include "personalities/explain_nc.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace sockx;

namespace {

NcExplanation explained(std::vector<std::string> words) {
  words.insert(words.begin(), "nc");
  return explain(parse_nc(words));
}

std::string command(std::vector<std::string> words) { return explained(std::move(words)).command; }

bool notes(const std::vector<std::string>& words, const std::string& about) {
  const auto lines = explained(words).notes;
  return std::ranges::any_of(lines,
                             [&about](const auto& line) { return line.find(about) != std::string::npos; });
}

}  // namespace

TEST_CASE("explain: a client's half stays open without -N") {
  CHECK(command({"host", "80"}) == "sockx connect --no-shutdown --until both host 80");
  CHECK(command({"-N", "host", "80"}) == "sockx connect --until both host 80");
  CHECK(command({"-d", "host", "80"}) == "sockx connect --recv-only host 80");
  CHECK(command({"-w3", "host", "80"}) ==
        "sockx connect --connect-timeout 3s --idle-timeout 3s --no-shutdown --until both host 80");
  CHECK(notes({"-w3", "host", "80"}, "status is 5; with nc it is 0"));
}

TEST_CASE("explain: -z checks one port, and scans several") {
  CHECK(command({"-z", "host", "80"}) == "sockx connect --check host 80");
  CHECK(command({"-z", "host", "20-22", "80"}) == "sockx connect --scan --any host 20-22,80");
}

TEST_CASE("explain: several ports without -z are a loop of the shell") {
  CHECK(command({"-N", "host", "25-26"}) ==
        "for port in 25 26; do sockx connect --until both host \"$port\"; done");
}

TEST_CASE("explain: a listener without a host has the one that nc takes") {
  CHECK(command({"-l", "5678"}) == "sockx listen --no-shutdown --until peer 0.0.0.0 5678");
  CHECK(command({"-6", "-lN", "5678"}) == "sockx listen --until peer 5678");
  CHECK(command({"-lU", "/run/a b"}) == "sockx listen --no-shutdown --until peer 'unix:/run/a b'");
  CHECK(notes({"-lU", "/run/x"}, "the file of the socket is removed"));
}

TEST_CASE("explain: datagrams, proxies and options of the socket have theirs") {
  CHECK(command({"-u", "-q1", "host", "53"}) == "sockx udp --framing size=16384 --reply-timeout 1s host 53");
  CHECK(command({"-x", "[::1]:99", "-N", "host", "22"}) ==
        "sockx connect --proxy 'socks5h://[::1]:99' --until both host 22");
  CHECK(command({"-X", "connect", "-x", "proxy", "-N", "host", "22"}) ==
        "sockx connect --proxy http://proxy:3128 --until both host 22");
  CHECK(command({"-6N", "-T", "ef", "-M9", "host", "22"}) ==
        "sockx connect -6 --opt IPV6_TCLASS=184 --opt IPV6_UNICAST_HOPS=9 --until both host 22");
  CHECK(command({"-N", "-s", "::1", "-p", "99", "::1", "22"}) ==
        "sockx connect --source '[::1]:99' --until both ::1 22");
}

TEST_CASE("explain: -- ends the options before a host or a port that begins with a dash") {
  CHECK(command({"-N", "--", "-host", "80"}) == "sockx connect --until both -- -host 80");
  CHECK(command({"-N", "--", "-host", "80-81"}) ==
        "for port in 80 81; do sockx connect --until both -- -host \"$port\"; done");
  CHECK(command({"-z", "--", "-host", "80"}) == "sockx connect --check -- -host 80");
  CHECK(command({"-z", "--", "-host", "80-81"}) == "sockx connect --scan --any -- -host 80-81");
  CHECK(command({"-lN", "--", "-host", "80"}) == "sockx listen --until peer -- -host 80");
  CHECK(command({"-lN", "--", "host", "-port"}) == "sockx listen --until peer host -- -port");
  CHECK(command({"-lN", "--", "-host", "-port"}) == "sockx listen --until peer -- -host -port");
  CHECK(command({"-uq1", "--", "-host", "53"}) ==
        "sockx udp --framing size=16384 --reply-timeout 1s -- -host 53");
  CHECK(command({"-uz", "--", "-host", "53"}) ==
        "printf X | sockx udp --framing all --reply-timeout 3s -- -host 53");
  CHECK(command({"-ul", "--", "-host", "53"}) == "sockx udp --listen --framing size=16384 -- -host 53");
}

TEST_CASE("explain: control characters become escapes, and the notes have neither them nor apostrophes") {
  CHECK(command({"-NU", "/tmp/a\nb"}) == "sockx connect --until both $'unix:/tmp/a\\nb'");
  CHECK(command({"-N", "-s", "::1\x1b", "::1", "80"}) ==
        "sockx connect --source $'::1\\033' --until both ::1 80");
  for (const auto& words : {std::vector<std::string>{"-vz", "-w9", "it's\x1b", "80"},
                            {"-rz", "host", "80-90"},
                            {"-X", "connect", "-P", "it's\n", "-x", "proxy", "host", "80-81"},
                            {"-w9", "-q1", "-W2", "host", "80"},
                            {"-kl", "-i1", "-W2", "-w1", "80"},
                            {"-l", "-q1", "80"},
                            {"-lU", "/it's"},
                            {"-uv", "-i2", "host", "53"},
                            {"-uF", "-q1", "host", "53"},
                            {"-uz", "host", "53"},
                            {"-ul", "-w1", "-q1", "53"},
                            {"-T", "ef", "-s", "name", "host", "80"}}) {
    const auto notes = explained(words).notes;
    CHECK(!notes.empty());
    for (const auto& line : notes) CHECK_MESSAGE(line.find_first_of("'\n\x1b") == std::string::npos, line);
  }
}
