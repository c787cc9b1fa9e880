#include <doctest/doctest.h>
#include <signal.h>

#include "../support/files.hpp"
#include "scenario.hpp"

using namespace test;

namespace {

using Meeting = Scenario::Meeting;

/// The files beside a stream, and lines in memory, are closed when all is over.
const FaultRow side_file_closed{"close@written", {"ENOSPC", "EDQUOT", "EIO"}, {0, 11}};

/// With buffers so small that one call does not do.
std::vector<std::string> command(const std::string& name, const std::vector<std::string>& more) {
  std::vector<std::string> words{"--quiet", name, "--opt", "SO_SNDBUF=16384", "--opt", "SO_RCVBUF=16384"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Scenario conversing(const std::string& name, const std::string& subcommand,
                    const std::vector<std::string>& more, Place in, Place out) {
  Scenario scenario{name, {command(subcommand, more), in, out}, {{}, Place::pipe, Place::pipe}};
  scenario.faulty_listens = subcommand == "listen";
  scenario.healthy.words = command(scenario.faulty_listens ? "connect" : "listen", {"ENDPOINT"});
  scenario.sent = noise(100'000, 1);
  scenario.received = noise(100'000, 2);
  return scenario;
}

std::string with_crlf(const std::string& text) {
  std::string changed;
  for (const char letter : text) changed += letter == '\n' ? std::string("\r\n") : std::string(1, letter);
  return changed;
}

std::string many_lines() {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line " + std::to_string(i) + '\n';
  return text;
}

}  // namespace

TEST_SUITE("faults: connect and listen") {
  TEST_CASE("connect from a file to a pipe survives the fault of every call") {
    auto scenario = conversing("connect < file | pipe", "connect", {"ENDPOINT"}, Place::file, Place::pipe);
    scenario.exceptions = {standard_output_gone};
    meet_every_fault(scenario);
  }
  TEST_CASE("connect from a pipe to a file survives the fault of every call") {
    meet_every_fault(conversing("pipe | connect > file", "connect", {"ENDPOINT"}, Place::pipe, Place::file));
  }
  TEST_CASE("connect from nothing to a file of many buffers survives the fault of every call") {
    auto scenario = conversing("connect > long file", "connect", {"ENDPOINT"}, Place::nothing, Place::file);
    // Large buffers: two of copying that are full in a row make way for splice(2).
    scenario.faulty.words = {"--quiet", "connect", "ENDPOINT"};
    scenario.healthy.words = {"--quiet", "listen", "ENDPOINT"};
    scenario.sent.clear();
    scenario.received = noise(400'000);
    meet_every_fault(scenario);
  }
  TEST_CASE("listen from a pipe to a pipe survives the fault of every call") {
    auto scenario = conversing("listen with pipes", "listen", {"ENDPOINT"}, Place::pipe, Place::pipe);
    scenario.exceptions = {standard_output_gone};
    meet_every_fault(scenario);
  }
  TEST_CASE("relay from a pipe to a file survives the fault of every call") {
    meet_every_fault(
        conversing("pipe | relay - > file", "relay", {"-", "ENDPOINT"}, Place::pipe, Place::file));
  }
  TEST_CASE("listen on a port of its own survives the fault of every call") {
    auto scenario = conversing("listen on a port", "listen", {"--port-file", "PORTFILE", "ENDPOINT"},
                               Place::file, Place::file);
    scenario.meeting = Meeting::tcp_port_file;
    scenario.sent = scenario.received = noise(3000);
    meet_every_fault(scenario);
  }
  TEST_CASE("listen on every address survives the fault of every call") {
    auto scenario = conversing("listen on every address", "listen", {"--port-file", "PORTFILE", "0"},
                               Place::pipe, Place::file);
    scenario.meeting = Meeting::tcp_port_file;
    scenario.sent = scenario.received = noise(3000);
    // Where there is no IPv6, IPv4 will do.
    scenario.exceptions = {{"socket", {"EAFNOSUPPORT"}, {0, 1}}, {"bind", {"EADDRNOTAVAIL"}, {0, 8}}};
    meet_every_fault(scenario);
  }
  TEST_CASE("listen on a unix socket of its own survives the fault of every call") {
    auto scenario = conversing("listen on a unix socket", "listen", {"ENDPOINT"}, Place::pipe, Place::file);
    scenario.meeting = Meeting::unix_path;
    scenario.exceptions = {folder_not_locked};
    scenario.sent = scenario.received = noise(20'000);
    meet_every_fault(scenario);
  }
  TEST_CASE("connect over a unix socket survives the fault of every call") {
    auto scenario = conversing("connect to a unix socket", "connect", {"ENDPOINT"}, Place::pipe, Place::pipe);
    scenario.meeting = Meeting::unix_inherited;
    scenario.exceptions = {standard_output_gone};
    meet_every_fault(scenario);
  }
  TEST_CASE("records survive the fault of every call") {
    auto scenario =
        conversing("records", "connect", {"--type", "seqpacket", "--max-record", "2000", "ENDPOINT"},
                   Place::file, Place::pipe);
    scenario.meeting = Meeting::records;
    scenario.healthy.words = command(
        "listen", {"--type", "seqpacket", "--max-record", "2000", "--framing", "size=1400", "ENDPOINT"});
    meet_every_fault(scenario);
  }
  TEST_CASE("--crlf and --tee-in survive the fault of every call") {
    auto scenario = conversing("--crlf and --tee-in", "connect", {"--crlf", "--tee-in", "TEE", "ENDPOINT"},
                               Place::file, Place::file);
    scenario.sent = many_lines();
    scenario.arrives = with_crlf(scenario.sent);
    scenario.exceptions = {side_file_closed};
    meet_every_fault(scenario);
  }
  TEST_CASE("--tee-out and --hexdump survive the fault of every call") {
    auto scenario =
        conversing("--tee-out and --hexdump", "listen",
                   {"--hexdump=OUTPUT", "--tee-out", "TEE-OUT", "ENDPOINT"}, Place::pipe, Place::pipe);
    scenario.sent = scenario.received = noise(5000);
    scenario.exceptions = {side_file_closed};
    meet_every_fault(scenario);
  }
  TEST_CASE("--line survives the fault of every call") {
    auto scenario =
        conversing("--line", "connect", {"--line", "hello", "ENDPOINT"}, Place::nothing, Place::file);
    scenario.sent.clear();
    scenario.arrives = "hello\n";
    // The lines are held in memory, which is nobody's file.
    scenario.exceptions = {{"write@file", {"ENOSPC", "EDQUOT", "EIO", "EFBIG"}, {1, 11}},
                           {"fstat@file", {"ENOMEM", "EIO"}, {1, 11}, "memory|stdout|--line"},
                           side_file_closed};
    meet_every_fault(scenario);
  }
  TEST_CASE("--exec survives the fault of every call") {
    auto scenario =
        conversing("--exec", "listen", {"ENDPOINT", "--exec", "--", "cat"}, Place::nothing, Place::nothing);
    scenario.sent.clear();
    scenario.arrives = scenario.received;  // which cat sends back
    scenario.exceptions = {
        {"pipe2", {"EMFILE", "ENFILE"}, {1}},
        {"fstat@pipe", {"ENOMEM"}, {0, 1}, "of cat: Cannot allocate memory"},
        // The program may stop reading when it likes: what would go to it is dropped.
        {"write@pipe", {"EPIPE"}, {}},
    };
    meet_every_fault(scenario);
  }
}
