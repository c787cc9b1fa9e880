#include <doctest/doctest.h>

#include "../support/files.hpp"
#include "scenario.hpp"

using namespace test;

namespace {

Scenario sending(const std::string& name, const std::vector<std::string>& more) {
  Scenario scenario{name,
                    {{"--quiet", "send-file", "INPUT", "ENDPOINT"}, Place::named},
                    {{"--quiet", "recv-file", "-o", "OUTPUT", "ENDPOINT"}, Place::nothing, Place::named}};
  auto& words = scenario.faulty.words;
  words.insert(words.end(), more.begin(), more.end());
  scenario.sent = noise(60'000);
  scenario.tells_parts = true;
  return scenario;
}

/// The same where the faulty one waits for the other.
Scenario listening(const std::string& name, const std::vector<std::string>& more) {
  auto scenario = sending(name, {"--listen", "--chunk", "4000"});
  scenario.faulty_listens = true;
  scenario.healthy.words.emplace_back("--connect");
  auto& words = scenario.faulty.words;
  words.insert(words.end(), more.begin(), more.end());
  return scenario;
}

}  // namespace

TEST_SUITE("faults: send-file") {
  TEST_CASE("send-file by sendfile survives the fault of every call") {
    meet_every_fault(sending("send-file by sendfile", {"--method", "sendfile", "--chunk", "4000"}));
  }
  TEST_CASE("send-file by splice survives the fault of every call") {
    meet_every_fault(sending("send-file by splice", {"--method", "splice", "--chunk", "4000"}));
  }
  TEST_CASE("send-file by mmap survives the fault of every call") {
    auto scenario = sending("send-file by mmap", {"--method", "mmap", "--chunk", "4000"});
    // Where a window is to be mapped, what cannot be mapped is copied.
    scenario.exceptions = {
        {"fstat@file", {"ENOMEM", "EIO"}, {0, 11}, "Cannot allocate memory|Input/output error"}};
    meet_every_fault(scenario);
  }
  TEST_CASE("send-file by zerocopy survives the fault of every call") {
    auto scenario = sending("send-file by zerocopy", {"--method", "zerocopy", "--chunk", "4000"});
    // As with mmap; and where there is no room to keep account of a send, the rest is copied, if that has
    // room.
    scenario.exceptions = {
        {"fstat@file", {"ENOMEM", "EIO"}, {0, 11}, "Cannot allocate memory|Input/output error"},
        {"send@socket", {"ENOBUFS"}, {0, 1}}};
    meet_every_fault(scenario);
  }
  TEST_CASE("send-file by io-uring survives the fault of every call") {
    meet_every_fault(sending("send-file by io-uring", {"--method", "io-uring", "--chunk", "4000"}));
  }
  TEST_CASE("send-file by read-write survives the fault of every call") {
    meet_every_fault(sending("send-file by read-write", {"--method", "read-write", "--chunk", "4000"}));
  }
  TEST_CASE("send-file --rate survives the fault of every call") {
    auto scenario = sending("send-file --rate", {"--rate", "2M"});
    scenario.sent = noise(20'000);
    meet_every_fault(scenario);
  }
  TEST_CASE("send-file into a small buffer survives the fault of every call") {
    auto scenario = sending("send-file into a small buffer", {"--opt", "SO_SNDBUF=8192"});
    scenario.sent = noise(120'000);
    meet_every_fault(scenario);
  }
  TEST_CASE("send-file --listen survives the fault of every call") {
    meet_every_fault(listening("send-file --listen", {}));
  }
  TEST_CASE("send-file --listen on a port of its own survives the fault of every call") {
    auto scenario = listening("send-file --listen on a port", {"--port-file", "PORTFILE"});
    scenario.meeting = Scenario::Meeting::tcp_port_file;
    scenario.sent = noise(5000);
    meet_every_fault(scenario);
  }
  TEST_CASE("send-file of a pipe survives the fault of every call") {
    auto scenario = sending("send-file of a pipe", {"--chunk", "4000"});
    scenario.faulty.words[2] = "-";
    scenario.faulty.in = Place::pipe;
    meet_every_fault(scenario);
  }
  TEST_CASE("send-file over a unix socket survives the fault of every call") {
    auto scenario = sending("send-file over a unix socket", {"--chunk", "4000"});
    scenario.meeting = Scenario::Meeting::unix_inherited;
    scenario.tells_parts = false;  // unix sockets have no reset
    scenario.healthy.out = Place::file;
    scenario.healthy.words = {"--quiet", "recv-file", "ENDPOINT"};
    meet_every_fault(scenario);
  }
  TEST_CASE("send-file to a name survives the fault of every call") {
    auto scenario = sending("send-file to a name", {});
    scenario.faulty.words.back() = "localhost:PORT";
    scenario.sent = noise(1000);
    // The name may have two addresses, and the other one may do.
    scenario.exceptions = {
        {"connect@inet",
         {"ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "EAGAIN"},
         {0, 1, 4, 5, 6}}};
    scenario.asks_for_names = true;
    meet_every_fault(scenario);
  }
}
