#include <doctest/doctest.h>
#include <signal.h>

#include "../support/files.hpp"
#include "scenario.hpp"

using namespace test;

namespace {

Scenario receiving(const std::string& name, const std::vector<std::string>& more, Place out) {
  Scenario scenario{name,
                    {{"--quiet", "recv-file", "--opt", "SO_RCVBUF=16384", "ENDPOINT"}, Place::nothing, out},
                    {{"--quiet", "send-file", "--chunk", "4000", "INPUT", "ENDPOINT"}, Place::named}};
  auto& words = scenario.faulty.words;
  words.insert(words.end(), more.begin(), more.end());
  scenario.faulty_listens = true;
  scenario.received = noise(120'000);
  scenario.tells_parts = true;
  return scenario;
}

/// The file of events is no payload: the run goes on without it.
const FaultRow events_that_are_lost{"close@written", {"ENOSPC", "EDQUOT", "EIO"}, {}};

}  // namespace

TEST_SUITE("faults: recv-file") {
  TEST_CASE("recv-file -o survives the fault of every call") {
    meet_every_fault(receiving("recv-file -o", {"-o", "OUTPUT"}, Place::named));
  }
  TEST_CASE("recv-file -o of an empty file survives the fault of every call") {
    auto scenario = receiving("recv-file -o of an empty file", {"-o", "OUTPUT"}, Place::named);
    scenario.received.clear();
    meet_every_fault(scenario);
  }
  TEST_CASE("recv-file --fsync survives the fault of every call") {
    auto scenario = receiving("recv-file --fsync", {"--fsync", "--no-clobber", "-o", "OUTPUT"}, Place::named);
    scenario.exceptions = {
        {"open@file", {"EMFILE", "ENFILE", "EACCES", "EIO"}, {11}, "open|fsync the directory of"}};
    meet_every_fault(scenario);
  }
  TEST_CASE("recv-file --method splice survives the fault of every call") {
    meet_every_fault(
        receiving("recv-file --method splice", {"--method", "splice", "-o", "OUTPUT"}, Place::named));
  }
  TEST_CASE("recv-file --size survives the fault of every call") {
    auto scenario = receiving("recv-file --size", {"--size", "120000", "-o", "OUTPUT"}, Place::named);
    // Of a file of known length it matters most that it is short; a fault behind its end is what it is.
    scenario.exceptions = {{"recv@socket", {"ECONNRESET"}, {7, 9}},
                           {"recv@socket", {"ETIMEDOUT"}, {5, 9}},
                           {"recv@socket", {"EHOSTUNREACH"}, {6, 9}},
                           {"recv@socket", {"ENOMEM"}, {1, 9}}};
    meet_every_fault(scenario);
  }
  TEST_CASE("recv-file --discard survives the fault of every call") {
    auto scenario = receiving("recv-file --discard", {"--discard", "--events", "OUTPUT"}, Place::counted);
    scenario.exceptions = {events_that_are_lost};
    meet_every_fault(scenario);
  }
  TEST_CASE("recv-file --discard from a unix socket survives the fault of every call") {
    auto scenario = receiving("recv-file --discard from a unix socket", {"--discard", "--events", "OUTPUT"},
                              Place::counted);
    scenario.exceptions = {events_that_are_lost};
    scenario.meeting = Scenario::Meeting::unix_inherited;
    scenario.tells_parts = false;  // unix sockets have no reset
    meet_every_fault(scenario);
  }
  TEST_CASE("recv-file to a pipe survives the fault of every call") {
    auto scenario = receiving("recv-file to a pipe", {}, Place::pipe);
    scenario.exceptions = {standard_output_gone};
    meet_every_fault(scenario);
  }
  TEST_CASE("recv-file to a pipe by read-write survives the fault of every call") {
    meet_every_fault(receiving("recv-file to a pipe by read-write", {"--method", "read-write"}, Place::pipe));
  }
  TEST_CASE("recv-file to standard output as a file survives the fault of every call") {
    meet_every_fault(receiving("recv-file > file", {}, Place::file));
  }
  TEST_CASE("recv-file --connect survives the fault of every call") {
    auto scenario = receiving("recv-file --connect", {"--connect", "-o", "OUTPUT"}, Place::named);
    scenario.faulty_listens = false;
    scenario.healthy.words.emplace_back("--listen");
    meet_every_fault(scenario);
  }
  TEST_CASE("recv-file on a port of its own survives the fault of every call") {
    auto scenario =
        receiving("recv-file on a port", {"--port-file", "PORTFILE", "-o", "OUTPUT"}, Place::named);
    scenario.meeting = Scenario::Meeting::tcp_port_file;
    scenario.received = noise(5000);
    meet_every_fault(scenario);
  }
  TEST_CASE("recv-file on a unix socket of its own survives the fault of every call") {
    auto scenario = receiving("recv-file on a unix socket", {"-o", "OUTPUT"}, Place::named);
    scenario.meeting = Scenario::Meeting::unix_path;
    scenario.received = noise(5000);
    scenario.tells_parts = false;  // unix sockets have no reset
    scenario.exceptions = {folder_not_locked};
    meet_every_fault(scenario);
  }
}
