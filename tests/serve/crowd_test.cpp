#include <doctest/doctest.h>

#include <memory>

#include "serve/server.hpp"

using namespace sockx;

namespace {

struct Listening : Service {
  bool is_crowded = false;
  Task<> serve(Connection, Seat) override { co_return; }
  void set_crowded(bool crowded) override { is_crowded = crowded; }
};

std::shared_ptr<void> add_to(WaitingConnections& crowd) {
  using Waiting = decltype(crowd.add());
  return std::shared_ptr<Waiting>(new Waiting(crowd.add()));
}

TEST_CASE("WaitingConnections: it lasts until the last of those that wait has gone") {
  Listening service;
  WaitingConnections crowd(service);
  auto first = add_to(crowd), second = add_to(crowd);
  CHECK(service.is_crowded);
  second.reset();
  CHECK(service.is_crowded);
  first.reset();
  CHECK_FALSE(service.is_crowded);
}

TEST_CASE(
    "WaitingConnections: once one client has made room, the next is asked for another that still waits") {
  Listening service;
  WaitingConnections crowd(service);
  auto first = add_to(crowd), second = add_to(crowd);
  service.is_crowded = false;  // as a room does after one has given way
  first.reset();
  CHECK(service.is_crowded);
}

}  // namespace
