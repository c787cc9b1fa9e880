// relay(): a conversation between this side and a peer, with the rules for how it ends.
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

/// When the session is over: both directions have ended, ours, the peer's, or whichever comes first.
enum class Until { both, local, peer, either };

/// This side: what is read from `in` goes to the peer, what the peer says is written to `out`, which is
/// closed when the peer has said all, so that a reader behind it sees the end.
struct NearSide {
  Stream& in;
  Stream& out;
};

/// The peer: one stream for both directions.
struct FarSide {
  Stream& stream;
  /// Complete as soon as our input has ended and been sent, or the session is over. Null: the caller sees to
  /// what a failure looks like to the peer.
  CutUnlessComplete* cut = nullptr;
};

struct RelayOptions {
  Until until = Until::both;
  PumpOptions outward, inward;           // our side stops once it has received as much as inward.limit
  std::optional<std::uint64_t> rate;     // bytes a second, for each direction
  std::function<Task<>()> receive;       // in place of the inward pump; our side stops when it has ended
  bool hears_peer = true;                // false: what the peer says is not read, and its end not waited for
  bool leave_open = false;               // somebody else goes on with the connection: end it in no way
  bool reader_may_leave = false;         // who reads `out` may stop doing so: what comes then is dropped
  bool half_close = true;                // the end of our input becomes shutdown(SHUT_WR)
  std::optional<Duration> idle_timeout;  // no byte in either direction
  std::optional<Duration> eof_timeout;   // for the second direction, once the first has ended
  Duration silence_before_warning = std::chrono::seconds(1);       // of our input, once the peer has ended
  Duration peer_silence_before_warning = std::chrono::seconds(2);  // once our input has, and FIN was sent
};

/// Bytes delivered and the time of the last, kept up to date while the relay runs, so that others can look at
/// it and a summary can be given however it ends.
struct Tally {
  std::uint64_t sent = 0, received = 0;
  Clock::time_point last_byte = Clock::now();
};

/// What the relay has to say on its way; text is complete and fit for a log.
struct RelayEvent {
  enum class Kind { detail, warning } kind;
  std::string text;
};
using RelayObserver = std::function<void(const RelayEvent&)>;

/// Runs the conversation to its end. The rules:
///  - The directions are independent. The end of our input, once delivered, becomes FIN (unless half_close is
///    off); the peer's FIN becomes the end of our output.
///  - When `until` is met, what was read is still delivered.
///  - A connection is not closed with unread input, because that would be a reset and destroy what the peer
///    has not read yet: when our side decides to stop, FIN is sent, and what still comes is read and dropped
///    until the peer's end, for eof_timeout or 5 s. The exception is inward.limit: once it is reached, only
///    the acknowledgement of what was sent is waited for, and a peer that still sends gets a reset.
///  - It returns only when the peer's kernel has acknowledged all that we sent.
///  - When either end fails, or a limit of time is reached, the connection is reset, so that the peer does
///    not take a part for the whole. The same holds when the relay is dropped before our input was sent; if
///    it is dropped while our input is silent and all of it has been sent, it calls cut->note_caught_up().
/// Throws Error when either end fails (a reset by the peer is never a success) and TimedOut.
Task<> relay(NearSide near, FarSide far, RelayOptions options, Tally& tally, RelayObserver tell);

}  // namespace sockx
