#include "serve/crowd.hpp"

#include <doctest/doctest.h>

#include <optional>

using namespace sockx;

namespace {

struct Listening : Service {
  bool is_crowded = false;
  Task<> serve(Connection, Seat) override { co_return; }
  void set_crowded(bool crowded) override { is_crowded = crowded; }
};

TEST_CASE("Crowd: it lasts until the last of those that wait has gone") {
  Listening service;
  Crowd crowd(service);
  std::optional<Crowd::Waiting> first(std::in_place, crowd), second(std::in_place, crowd);
  CHECK(service.is_crowded);
  second.reset();
  CHECK(service.is_crowded);
  first.reset();
  CHECK_FALSE(service.is_crowded);
}

TEST_CASE("Crowd: once one client has made room, the next is asked for another that still waits") {
  Listening service;
  Crowd crowd(service);
  std::optional<Crowd::Waiting> first(std::in_place, crowd), second(std::in_place, crowd);
  service.is_crowded = false;  // as a room does after one has given way
  first.reset();
  CHECK(service.is_crowded);
}

}  // namespace
