// A peer that makes exactly the calls of a script: orders that no netcat plays, and resets.
#include "matrix.hpp"

namespace test {

namespace {

void for_every_scripted_cell(const std::vector<std::string>& scripts, const std::vector<std::size_t>& sizes,
                             Input peer_input, const std::function<void(const Outcome&)>& check) {
  if (is_missing("python3")) return;
  for (const auto& steps : scripts)
    for (const auto family : {Family::ipv4, Family::ipv6, Family::unix_stream})
      for (const auto role : {Role::connect, Role::listen})
        for (const auto size : sizes) {
          const auto answer = peer_input == Input::null ? 0 : size;
          const Cell cell{role, family, Input::pipe, peer_input, Order::at_once, size, answer};
          CAPTURE(steps);
          in_cell(cell, [&] { check(converse(python(steps), cell)); });
        }
}

TEST_CASE("interop: both ways are whole, in whatever order the peer speaks, listens and ends") {
  for_every_scripted_cell({"send,end,recv", "recv,send,end", "recv,send", "send,recv"}, sizes(), Input::file,
                          check_whole);
}

TEST_CASE("interop: a peer that ends before anything else still gets everything") {
  for_every_scripted_cell({"end,recv"}, sizes(), Input::null, check_whole);
}

TEST_CASE("interop: a peer that reads nothing before it has heard our end still gets everything") {
  for_every_scripted_cell({"hear-end,recv,send", "send,hear-end,recv"}, {0, 1, 32 * 1024}, Input::file,
                          check_whole);
}

void check_reset(const Outcome& outcome) {
  INFO(outcome.commands);
  CHECK(outcome.sockx == exited(7));
  CHECK(lines_of(outcome.sockx_err).size() == 1);
  CHECK(contains(outcome.sockx_err, "sockx: "));
  CHECK(outcome.peer == exited(0));
  CHECK_FALSE(outcome.left_others);
}

TEST_CASE("interop: a reset is a failure, and what came before it is delivered") {
  if (is_missing("python3")) return;
  for (const auto family : {Family::ipv4, Family::ipv6})
    for (const auto role : {Role::connect, Role::listen}) {
      const Cell cell{role, family, Input::pipe, Input::file, Order::at_once, sizes().back(), sizes().back()};
      // Before it has taken everything; the same by closing with unread input; and after.
      for (const auto* steps : {"send=1,recv=1,reset", "send=1,recv=1", "send=1,recv,reset"}) {
        CAPTURE(steps);
        in_cell(cell, [&] {
          const auto outcome = converse(python(steps), cell);
          check_reset(outcome);
          CHECK(outcome.at_sockx == outcome.from_peer.substr(0, 1));
          CHECK(outcome.from_sockx.starts_with(outcome.at_peer));
        });
      }
    }
}

}  // namespace

}  // namespace test
