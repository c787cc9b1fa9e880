#include "../support/files.hpp"
#include "scenario.hpp"

#include <doctest/doctest.h>

using namespace test;

namespace {

Scenario sending(const std::string& name, const std::vector<std::string>& more) {
  Scenario scenario{name, {{"--quiet", "send-file", "INPUT", "ENDPOINT"}, Place::named},
                    {{"--quiet", "recv-file", "-o", "OUTPUT", "ENDPOINT"}, Place::nothing, Place::named}};
  auto& words = scenario.faulty.words;
  words.insert(words.end(), more.begin(), more.end());
  scenario.sent = noise(40'000);
  scenario.tells_parts = true;
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
    meet_every_fault(sending("send-file by mmap", {"--method", "mmap", "--chunk", "4000"}));
  }
  TEST_CASE("send-file by read-write survives the fault of every call") {
    meet_every_fault(sending("send-file by read-write", {"--method", "read-write", "--chunk", "4000"}));
  }
}
