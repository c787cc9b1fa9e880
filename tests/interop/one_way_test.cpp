// Bytes that go one way only: send-file, recv-file, and conversations that are told so, with every peer.
#include "matrix.hpp"

namespace test {

namespace {

/// Every size and family, with each of the commands; the peer has nothing to say.
void check_sending(const PeerProgram& peer, Role role, const std::vector<Words>& commands) {
  for_every_family(peer, [&](Family family) {
    for (const auto size : sizes())
      for (const auto& command : commands) {
        const Cell cell{role, family, Input::file, Input::null, Order::at_once, size, 0};
        in_cell(cell, [&] { check_whole(converse(peer, cell, command)); });
      }
  });
}

/// No peer hears our end before it has sent everything. The input of sockx, if a pipe, stays open.
void check_receiving(const PeerProgram& peer, Role role, Input ours, const std::vector<Words>& commands) {
  for_every_family(peer, [&](Family family) {
    for (const auto size : sizes())
      for (const auto theirs : {Input::file, Input::pipe})
        for (const auto& command : commands) {
          const Cell cell{role, family, ours, theirs, Order::peer_alone, 0, size};
          in_cell(cell, [&] { check_whole(converse(peer, cell, command)); });
        }
  });
}

void check_one_way(PeerProgram peer) {
  check_sending(peer, Role::connect, {{"send-file", "--quiet", "INPUT"}, {"connect", "--send-only"}});
  check_sending(peer, Role::listen, {{"listen", "--send-only"}});
  if (peer.half_closes)
    check_receiving(peer, Role::connect, Input::pipe,
                    {{"connect", "--recv-only"}, {"connect", "--until", "peer"}});
  peer.connects = peer.sends;
  check_receiving(peer, Role::listen, Input::pipe,
                  {{"recv-file"}, {"listen", "--recv-only"}, {"listen", "--until", "peer"}});
  check_receiving(peer, Role::listen, Input::file, {{"recv-file"}, {"recv-file", "-o", "OUTPUT"}});
}

TEST_CASE("interop: one way to and from nc.openbsd") { check_one_way(nc_openbsd()); }
TEST_CASE("interop: one way to and from nc.traditional") { check_one_way(nc_traditional()); }
TEST_CASE("interop: one way to and from ncat") { check_one_way(ncat()); }
TEST_CASE("interop: one way to and from socat") { check_one_way(socat()); }
TEST_CASE("interop: one way to and from busybox") { check_one_way(busybox()); }
TEST_CASE("interop: one way to and from python3") { check_one_way(python()); }

TEST_CASE("interop: a large file to and from every peer") {
  for (auto peer : {nc_openbsd(), nc_traditional(), ncat(), socat(), busybox(), python()}) {
    if (is_missing(peer.name)) continue;
    const Cell out{Role::connect, Family::ipv4, Input::file, Input::null, Order::at_once, large, 0};
    in_cell(out, [&] { check_whole(converse(peer, out, {"send-file", "--quiet", "INPUT"}, patience)); });
    peer.connects = peer.sends;
    const Cell in{Role::listen, Family::ipv4, Input::file, Input::file, Order::at_once, 0, large};
    in_cell(in, [&] { check_whole(converse(peer, in, {"recv-file", "-o", "OUTPUT"}, patience)); });
  }
}

}  // namespace

}  // namespace test
