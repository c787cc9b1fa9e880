// relay(): a conversation between two ends, with the rules for how it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "flow/cut_unless_complete.hpp"
#include "flow/event_loop.hpp"
#include "flow/pump.hpp"
#include "flow/stream.hpp"

namespace sockx {

/// When the session is over: both directions have ended, the first end's (ours), the second's (the peer's),
/// or whichever comes first.
enum class Until { both, local, peer, either };

/// One end of a conversation: a connection, which is one stream for both directions, or a pair of streams
/// such as standard input and output.
struct Duplex {
  Stream& in;   // its bytes go to the other end's `out`
  Stream& out;  // the other end's bytes are written here
  /// Complete as soon as the other end's input has ended and been sent here, or the session is over. Null:
  /// the caller decides what a failure looks like at this end.
  CutUnlessComplete* cut = nullptr;
  /// How what is read from `in` is carried; the limit is what the other end wants of it.
  PumpOptions carried = {};
  bool is_heard = true;           // false: `in` is not read, and its end is not awaited
  bool reader_may_leave = false;  // the reader of `out` may close: further bytes are dropped
  /// The other end's end is passed on: shutdown(SHUT_WR) for a socket, else close(2); not to a terminal.
  bool is_told_of_end = true;
  bool is_left_open = false;  // another process goes on with the connection: no shutdown, no reset
  /// After both sides of a connection have ended: wait until the peer's kernel has acknowledged all bytes.
  bool awaits_acknowledgement = true;
  /// One stream for both directions that has no half-close: see the rules of relay().
  bool is_terminal = false;

  bool is_connection() const { return &in == &out && !is_terminal; }
};

struct RelayRules {
  Until until = Until::both;
  std::optional<std::uint64_t> rate;  // bytes a second, for each direction
  /// Runs instead of the pump from the second end to the first; that direction ends when it ends.
  std::function<Task<>()> receive;
  std::optional<Duration> idle_timeout;  // no byte in either direction
  std::optional<Duration> eof_timeout;   // for the second direction, once one has ended
  /// When the session is over, only the acknowledgement of what was sent is waited for, not the peer's end.
  bool leaves_at_once = false;
  Duration silence_before_warning = std::chrono::seconds(1);  // of the first end, once the second has ended
  Duration peer_silence_before_warning = std::chrono::seconds(2);  // of the second, once the first has
};

/// Bytes delivered and the time of the last one. It is kept up to date while the relay runs, for progress and
/// for the summary, also after a failure.
struct Tally {
  std::uint64_t sent = 0, received = 0;  // to the second end, and from it
  Clock::time_point last_byte = Clock::now();
};

/// A message of the running relay, for the log.
struct RelayEvent {
  enum class Kind {
    detail,
    warning,
    first_is_silent,   // the second end has ended, and the first may not
    second_is_silent,  // the first end has ended, and the second may not
  } kind;
  std::string text;
};
using RelayObserver = std::function<void(const RelayEvent&)>;

/// Runs the conversation to its end. The rules:
///  - The directions are independent. The end of one end's input, once delivered, is passed on to the other.
///  - When `until` is met, what was read is still delivered.
///  - A connection is not closed with unread input, because that would be a reset and destroy what the peer
///    has not read yet: when the session is over, FIN is sent, and what still comes is read and dropped until
///    the peer's end, for eof_timeout or 5 s. The exception is the limit of `carried`: once it is reached,
///    only the acknowledgement of what was sent is waited for, and a peer that still sends gets a reset.
///  - A terminal cannot be told of the other end's end. What is due is delivered, and the output queue of a
///    serial line runs empty (TIOCOUTQ); then the terminal may still answer for eof_timeout or 5 s, its
///    grace, before `until` ends the session. If `until` waits for the terminal's own end, there is no grace.
///    Its hang-up ends both of its directions: what it said before is delivered, what was to be written to it
///    is dropped.
///  - It returns only when the peer's kernel has acknowledged all that was sent on each connection, unless
///    the end says that this is not waited for.
///  - When either end fails, or a limit of time is reached, both connections are reset, so that no reader
///    takes a part for the whole. What a connection said before it failed is still delivered. The same holds
///    when the relay is dropped before an input was sent; if it is dropped while the input is silent and all
///    of it has been sent, it calls cut->note_caught_up().
/// Throws Error when either end fails (a reset by a peer is never a success) and TimedOut.
Task<> relay(Duplex first, Duplex second, RelayRules rules, Tally& tally, RelayObserver tell);

}  // namespace sockx
