// Conversations with programs that others have written: every peer, either role, every order of the two ends.
#include "matrix.hpp"

namespace test {

namespace {

void check(const PeerProgram& peer, Role role, Family family) {
  if (is_missing(peer.name)) return;
  for (const auto& cell : cells(role, family)) in_cell(cell, [&] { check_cell(peer, cell); });
}

// By family too, so that each is short.
TEST_CASE("interop: sockx to nc.openbsd, IPv4") { check(nc_openbsd(), Role::connect, Family::ipv4); }
TEST_CASE("interop: nc.openbsd to sockx, IPv4") { check(nc_openbsd(), Role::listen, Family::ipv4); }
TEST_CASE("interop: sockx to nc.openbsd, IPv6") { check(nc_openbsd(), Role::connect, Family::ipv6); }
TEST_CASE("interop: nc.openbsd to sockx, IPv6") { check(nc_openbsd(), Role::listen, Family::ipv6); }
TEST_CASE("interop: sockx to nc.openbsd, unix") { check(nc_openbsd(), Role::connect, Family::unix_stream); }
TEST_CASE("interop: nc.openbsd to sockx, unix") { check(nc_openbsd(), Role::listen, Family::unix_stream); }
TEST_CASE("interop: sockx to nc.traditional, IPv4") { check(nc_traditional(), Role::connect, Family::ipv4); }
TEST_CASE("interop: nc.traditional to sockx, IPv4") { check(nc_traditional(), Role::listen, Family::ipv4); }
TEST_CASE("interop: sockx to ncat, IPv4") { check(ncat(), Role::connect, Family::ipv4); }
TEST_CASE("interop: ncat to sockx, IPv4") { check(ncat(), Role::listen, Family::ipv4); }
TEST_CASE("interop: sockx to ncat, IPv6") { check(ncat(), Role::connect, Family::ipv6); }
TEST_CASE("interop: ncat to sockx, IPv6") { check(ncat(), Role::listen, Family::ipv6); }
TEST_CASE("interop: sockx to ncat, unix") { check(ncat(), Role::connect, Family::unix_stream); }
TEST_CASE("interop: ncat to sockx, unix") { check(ncat(), Role::listen, Family::unix_stream); }
TEST_CASE("interop: sockx to socat, IPv4") { check(socat(), Role::connect, Family::ipv4); }
TEST_CASE("interop: socat to sockx, IPv4") { check(socat(), Role::listen, Family::ipv4); }
TEST_CASE("interop: sockx to socat, IPv6") { check(socat(), Role::connect, Family::ipv6); }
TEST_CASE("interop: socat to sockx, IPv6") { check(socat(), Role::listen, Family::ipv6); }
TEST_CASE("interop: sockx to socat, unix") { check(socat(), Role::connect, Family::unix_stream); }
TEST_CASE("interop: socat to sockx, unix") { check(socat(), Role::listen, Family::unix_stream); }
TEST_CASE("interop: sockx to busybox, IPv4") { check(busybox(), Role::connect, Family::ipv4); }
TEST_CASE("interop: busybox to sockx, IPv4") { check(busybox(), Role::listen, Family::ipv4); }
TEST_CASE("interop: sockx to busybox, IPv6") { check(busybox(), Role::connect, Family::ipv6); }
TEST_CASE("interop: busybox to sockx, IPv6") { check(busybox(), Role::listen, Family::ipv6); }
TEST_CASE("interop: sockx to python3, IPv4") { check(python(), Role::connect, Family::ipv4); }
TEST_CASE("interop: python3 to sockx, IPv4") { check(python(), Role::listen, Family::ipv4); }
TEST_CASE("interop: sockx to python3, IPv6") { check(python(), Role::connect, Family::ipv6); }
TEST_CASE("interop: python3 to sockx, IPv6") { check(python(), Role::listen, Family::ipv6); }
TEST_CASE("interop: sockx to python3, unix") { check(python(), Role::connect, Family::unix_stream); }
TEST_CASE("interop: python3 to sockx, unix") { check(python(), Role::listen, Family::unix_stream); }

/// Either direction alone, because that is what every peer can; whoever hears it ends when it has everything.
void check_large(const PeerProgram& peer) {
  if (is_missing(peer.name)) return;
  for (const auto role : {Role::connect, Role::listen})
    for (const auto& cell : {Cell{role, Family::ipv4, Input::file, Input::pipe, Order::sockx_first, large, 0},
                             Cell{role, Family::ipv4, Input::pipe, Input::file, Order::peer_first, 0, large}})
      in_cell(cell, [&] { check_whole(converse(peer, cell, {}, patience)); });
}

TEST_CASE("interop: 64 MiB to and from nc.openbsd") { check_large(nc_openbsd()); }
TEST_CASE("interop: 64 MiB to and from nc.traditional") { check_large(nc_traditional()); }
TEST_CASE("interop: 64 MiB to and from ncat") { check_large(ncat()); }
TEST_CASE("interop: 64 MiB to and from socat") { check_large(socat()); }
TEST_CASE("interop: 64 MiB to and from busybox") { check_large(busybox()); }
TEST_CASE("interop: 64 MiB to and from python3") { check_large(python()); }

}  // namespace

}  // namespace test
