// The matrix of conversations: which cells there are.
#pragma once

#include <functional>

#include "../support/sockx.hpp"
#include "cell.hpp"

namespace test {

/// Under a sanitizer, where a process takes long to start, a selection: the size that finds most, and all
/// kinds of inputs over IPv4 only.
inline std::vector<std::size_t> sizes(Family family = Family::ipv4) {
  constexpr std::size_t beyond_buffers = (1U << 20U) + 1;
  if (is_sanitized()) return {beyond_buffers};
  if (family == Family::ipv6) return {1, beyond_buffers};  // addresses are all that differs from IPv4
  return {0, 1, 64 * 1024, beyond_buffers};
}
inline std::vector<Input> inputs(Family family) {
  if (is_sanitized() && family != Family::ipv4) return {Input::pipe};
  return {Input::file, Input::pipe, Input::null};
}
inline const std::size_t large = is_sanitized() ? 8U << 20U : 64U << 20U;

/// Runs one. What it throws is its own failure, and does not keep the others from running.
inline void in_cell(const Cell& cell, const std::function<void()>& check) {
  INFO(cell.name());
  try {
    check();
  } catch (const std::exception& error) {
    FAIL_CHECK(std::string(error.what()));
  }
}

/// Every input and order of the two directions, with every size.
inline std::vector<Cell> cells(Role role, Family family) {
  std::vector<Cell> all;
  for (const auto size : sizes(family)) {
    const auto add = [&](Input ours, Input theirs, Order order) {
      const auto size_of = [&](Input input) { return input == Input::null ? 0 : size; };
      all.push_back({role, family, ours, theirs, order, size_of(ours), size_of(theirs)});
    };
    for (const auto ours : inputs(family))
      for (const auto theirs : inputs(family)) add(ours, theirs, Order::at_once);
    for (const auto first : inputs(family)) {
      add(first, Input::pipe, Order::sockx_first);
      add(Input::pipe, first, Order::peer_first);
      add(Input::pipe, first, Order::sockx_hears_end);
      if (family != Family::unix_stream) add(first, Input::pipe, Order::peer_hears_end);
    }
  }
  return all;
}

/// Whether the peer may hear our end before it has sent everything, and then stops sending.
inline bool is_cut_short(const PeerProgram& peer, const Cell& cell) {
  const bool stops = cell.role == Role::listen ? peer.client_stops_at_our_end : peer.server_stops_at_our_end;
  return stops && cell.peer_size != 0 && cell.order != Order::peer_first &&
         cell.order != Order::sockx_hears_end;
}

/// `options` are more words for sockx.
inline void check_cell(const PeerProgram& peer, const Cell& cell, const Words& options = {}) {
  if (cell.order == Order::sockx_hears_end && !peer.half_closes) return;  // there is no such end
  if (!is_cut_short(peer, cell)) return check_whole(converse(peer, cell, options));
  check_cut_short(converse(peer, cell, options));
  // With our half left open the peer ends the conversation, if it can; it then cannot wait for our end.
  if (peer.half_closes && cell.order != Order::peer_hears_end)
    check_whole(converse(peer, cell, Words{"--no-shutdown"} + options));
}

}  // namespace test
