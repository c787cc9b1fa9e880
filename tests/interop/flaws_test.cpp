// What peers get wrong, stated so that a test fails when one of them changes, and what makes it work with
// them.
#include "matrix.hpp"

namespace test {

namespace {

TEST_CASE("interop: these peers leave when they hear our end, though their own input is still open") {
  const auto check = [](const PeerProgram& peer, Role role) {
    if (is_missing(peer.name)) return;
    const Cell cell{role, Family::ipv4, Input::null, Input::pipe, Order::sockx_alone, 0, 0};
    in_cell(cell, [&] { check_whole(converse(peer, cell)); });
  };
  for (const auto& peer : {nc_openbsd(), nc_traditional(), ncat(), socat(), busybox(), python()}) {
    if (peer.client_stops_at_our_end) check(peer, Role::listen);
    if (peer.server_stops_at_our_end) check(peer, Role::connect);
  }
}

TEST_CASE("interop: --recv-only lets a slow sender that would leave at our end finish") {
  for (auto peer : {socat(), nc_traditional()}) {
    if (is_missing(peer.name)) continue;
    Process listening(sockx({"listen", "--recv-only", "127.0.0.1", "0"}));
    const auto port = port_of(listening);
    const auto words = peer.name == "socat"
                           ? std::vector<std::string>{"socat", "-", "TCP:127.0.0.1:" + port}
                           : std::vector<std::string>{peer.name, "-q", "0", "127.0.0.1", port};
    Process sending(words, {Stdio::pipe()});
    sending.write("early\n");
    CHECK(listening.out_line() == "early");
    sending.feed("late\n");
    check_end(sending, exited(0));
    check_end(listening, exited(0));
    CHECK(listening.out() == "early\nlate\n");
  }
}

TEST_CASE(
    "interop: nc.traditional never ends its half first, but -q and --no-shutdown make it answer whole") {
  auto peer = nc_traditional();
  if (is_missing(peer.name)) return;
  for (const auto role : {Role::connect, Role::listen}) {
    const Cell silent{role, Family::ipv4, Input::null, Input::null, Order::at_once, 0, 0};
    in_cell(silent, [&] {
      const auto outcome = converse(peer, silent, {"--no-shutdown", "--idle-timeout", "500ms"});
      CHECK(outcome.sockx == exited(5));
    });
  }
  for (auto* words : {&peer.connects, &peer.listens}) words->insert(words->end(), {"-q", "1"});
  for (const auto role : {Role::connect, Role::listen}) {
    const Cell answered{role,           Family::ipv4,  Input::pipe, Input::pipe, Order::sockx_first,
                        sizes().back(), sizes().back()};
    in_cell(answered, [&] { check_whole(converse(peer, answered, {"--no-shutdown"})); });
  }
}

TEST_CASE(
    "interop: socat without -t leaves soon after its input, and the answer of sockx is lost, but not "
    "silently") {
  auto peer = socat();
  if (is_missing(peer.name)) return;
  peer.connects = peer.listens = {"socat", "-"};
  for (const auto role : {Role::connect, Role::listen}) {
    const Cell cell{role, Family::ipv4, Input::pipe, Input::file, Order::peer_leaves, 1, 1};
    in_cell(cell, [&] {
      const auto outcome = converse(peer, cell);
      INFO(outcome.commands);
      CHECK(outcome.peer == exited(0));
      CHECK(outcome.at_sockx == outcome.from_peer);
      CHECK(outcome.at_peer == "");
      CHECK(outcome.sockx == exited(7));
    });
  }
}

}  // namespace

}  // namespace test
