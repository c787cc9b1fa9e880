// Conversations with programs that others have written: every peer, either role, every order of the two ends.
#include "matrix.hpp"

namespace test {

namespace {

/// Whether the peer may hear our end before it has sent everything, and then stops sending.
bool is_cut_short(const PeerProgram& peer, const Cell& cell) {
  const bool stops = cell.role == Role::listen ? peer.client_stops_at_our_end : peer.server_stops_at_our_end;
  return stops && cell.peer_size != 0 && cell.order != Order::peer_first &&
         cell.order != Order::sockx_hears_end;
}

void check_cell(const PeerProgram& peer, const Cell& cell) {
  if (cell.order == Order::sockx_hears_end && !peer.half_closes) return;  // there is no such end
  if (!is_cut_short(peer, cell)) return check_whole(converse(peer, cell));
  check_cut_short(converse(peer, cell));
  // With our half left open the peer ends the conversation, if it can; it then cannot wait for our end.
  if (peer.half_closes && cell.order != Order::peer_hears_end)
    check_whole(converse(peer, cell, {"--no-shutdown"}));
}

void check_matrix(const PeerProgram& peer, Role role) {
  for_every_family(peer, [&](Family family) {
    for (const auto& cell : cells(role, family)) in_cell(cell, [&] { check_cell(peer, cell); });
  });
}

TEST_CASE("interop: sockx connects to nc.openbsd") { check_matrix(nc_openbsd(), Role::connect); }
TEST_CASE("interop: nc.openbsd connects to sockx") { check_matrix(nc_openbsd(), Role::listen); }
TEST_CASE("interop: sockx connects to nc.traditional") { check_matrix(nc_traditional(), Role::connect); }
TEST_CASE("interop: nc.traditional connects to sockx") { check_matrix(nc_traditional(), Role::listen); }
TEST_CASE("interop: sockx connects to ncat") { check_matrix(ncat(), Role::connect); }
TEST_CASE("interop: ncat connects to sockx") { check_matrix(ncat(), Role::listen); }
TEST_CASE("interop: sockx connects to socat") { check_matrix(socat(), Role::connect); }
TEST_CASE("interop: socat connects to sockx") { check_matrix(socat(), Role::listen); }
TEST_CASE("interop: sockx connects to busybox") { check_matrix(busybox(), Role::connect); }
TEST_CASE("interop: busybox connects to sockx") { check_matrix(busybox(), Role::listen); }
TEST_CASE("interop: sockx connects to python3") { check_matrix(python(), Role::connect); }
TEST_CASE("interop: python3 connects to sockx") { check_matrix(python(), Role::listen); }

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
