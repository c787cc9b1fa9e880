// Bytes that go one way only: send-file, recv-file, and conversations that are told so, with every peer.
#include "matrix.hpp"

namespace test {

namespace {

/// Every size and family, with each of the commands; the peer has nothing to say.
void check_sending(const PeerProgram& peer, Role role, Family family, const std::vector<Words>& commands) {
  for (const auto size : sizes(family))
    for (const auto& command : commands) {
      const Cell cell{role, family, Input::file, Input::null, Order::at_once, size, 0};
      in_cell(cell, [&] { check_whole(converse(peer, cell, command)); });
    }
}

/// No peer hears our end before it has sent everything. The input of sockx, if a pipe, stays open.
void check_receiving(const PeerProgram& peer, Role role, Family family, Input ours,
                     const std::vector<Words>& commands) {
  for (const auto size : sizes(family))
    for (const auto theirs : {Input::file, Input::pipe})
      for (const auto& command : commands) {
        const Cell cell{role, family, ours, theirs, Order::peer_alone, 0, size};
        in_cell(cell, [&] { check_whole(converse(peer, cell, command)); });
      }
}

void check(PeerProgram peer, Family family) {
  if (is_missing(peer.name)) return;
  check_sending(peer, Role::connect, family, {{"send-file", "--quiet", "INPUT"}, {"connect", "--send-only"}});
  check_sending(peer, Role::listen, family,
                {{"listen", "--send-only"}, {"send-file", "--quiet", "--listen", "INPUT"}});
  if (peer.half_closes) {
    check_receiving(peer, Role::connect, family, Input::pipe,
                    {{"recv-file", "--connect"}, {"connect", "--recv-only"}, {"connect", "--until", "peer"}});
    check_receiving(peer, Role::connect, family, Input::file, {{"recv-file", "--connect", "-o", "OUTPUT"}});
  }
  peer.connects = peer.sends;
  check_receiving(peer, Role::listen, family, Input::pipe,
                  {{"recv-file"}, {"listen", "--recv-only"}, {"listen", "--until", "peer"}});
  check_receiving(peer, Role::listen, family, Input::file, {{"recv-file"}, {"recv-file", "-o", "OUTPUT"}});
}

TEST_CASE("interop: one way with nc.openbsd, IPv4") { check(nc_openbsd(), Family::ipv4); }
TEST_CASE("interop: one way with nc.openbsd, IPv6") { check(nc_openbsd(), Family::ipv6); }
TEST_CASE("interop: one way with nc.openbsd, unix") { check(nc_openbsd(), Family::unix_stream); }
TEST_CASE("interop: one way with nc.traditional, IPv4") { check(nc_traditional(), Family::ipv4); }
TEST_CASE("interop: one way with ncat, IPv4") { check(ncat(), Family::ipv4); }
TEST_CASE("interop: one way with ncat, IPv6") { check(ncat(), Family::ipv6); }
TEST_CASE("interop: one way with ncat, unix") { check(ncat(), Family::unix_stream); }
TEST_CASE("interop: one way with socat, IPv4") { check(socat(), Family::ipv4); }
TEST_CASE("interop: one way with socat, IPv6") { check(socat(), Family::ipv6); }
TEST_CASE("interop: one way with socat, unix") { check(socat(), Family::unix_stream); }
TEST_CASE("interop: one way with busybox, IPv4") { check(busybox(), Family::ipv4); }
TEST_CASE("interop: one way with busybox, IPv6") { check(busybox(), Family::ipv6); }
TEST_CASE("interop: one way with python3, IPv4") { check(python(), Family::ipv4); }
TEST_CASE("interop: one way with python3, IPv6") { check(python(), Family::ipv6); }
TEST_CASE("interop: one way with python3, unix") { check(python(), Family::unix_stream); }

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
