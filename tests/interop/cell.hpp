// A cell of the matrix: sockx and a peer converse once, in a way that a few words name.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "../support/process.hpp"
#include "peers.hpp"

namespace test {

/// What sockx is; the peer is the other.
enum class Role { connect, listen };

/// What standard input is; with a file, standard output is one too, else a pipe. Null brings nothing.
enum class Input { file, pipe, null };

/// Who speaks when, and ends its input then. Whoever speaks later has a pipe.
enum class Order {
  at_once,          // both
  sockx_first,      // the peer once it has everything from sockx
  peer_first,       // the other way round
  peer_hears_end,   // the peer once FIN has arrived there; TCP only
  sockx_hears_end,  // sockx once its output has ended
  peer_leaves,      // sockx once the process of the peer has ended
  sockx_alone,      // the input of the peer stays open and silent
  peer_alone,       // the input of sockx does
};

struct Cell {
  Role role;
  Family family;
  Input sockx_input, peer_input;
  Order order;
  std::size_t sockx_size, peer_size;  // bytes that each has to say

  std::string name() const;
};

/// What came of it.
struct Outcome {
  std::string commands;               // as they were run, for a hand that repeats it
  std::string at_sockx, at_peer;      // what arrived
  std::string from_sockx, from_peer;  // what was said
  End sockx, peer;
  std::string sockx_err;
  bool left_others;  // whether either has left processes behind
};

/// Time to end, once the last byte has been given to its speaker: less than the 5 s for which sockx waits
/// when it has decided to stop.
constexpr std::chrono::milliseconds promptly{4500};

/// Runs it to its end. Instead of the subcommand named by the role, sockx can be told `command`, in which
/// INPUT and OUTPUT stand for the files of its standard streams; the endpoint comes behind. Throws when one
/// of the two has not ended in time in three attempts: the machine may be busy.
Outcome converse(const PeerProgram& peer, const Cell& cell, Words command = {},
                 std::chrono::milliseconds limit = promptly);

/// Everything has arrived at both ends, sockx has ended with status 0 and the peer too, and nothing is left.
void check_whole(const Outcome& outcome);

/// A peer that stops sending when it hears our end: what sockx sent is whole all the same, and what it got is
/// a beginning, for which sockx is not to blame and ends with status 0.
void check_cut_short(const Outcome& outcome);

}  // namespace test
