// exchange(): datagrams from standard input to a peer or several, and theirs to standard output.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datagram/answer_guard.hpp"
#include "datagram/datagram_rate.hpp"
#include "datagram/outbox.hpp"
#include "flow/clock.hpp"
#include "flow/framing.hpp"
#include "flow/stream.hpp"
#include "flow/task.hpp"
#include "net/datagram/datagram_error.hpp"
#include "net/datagram/datagram_socket.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

/// Who is sent what comes from standard input, when everybody may send to us.
enum class ReplyTo { last, all, none, one };
/// What becomes of a datagram: it is shown, goes back to its sender, as it is or in upper case, or is
/// dropped.
enum class DatagramHandler { show, echo, upper, discard };

struct ExchangeOptions {
  std::optional<Framing> framing;  // by default lines; of a regular file pieces of 1400 bytes
  DatagramRate rate;               // of what is sent
  int send_flags = 0, recv_flags = 0;
  std::size_t most = 64 * 1024;                // bytes of a datagram that are kept
  std::optional<std::uint64_t> send_limit;     // datagrams; then it is as though the input had ended
  std::optional<std::uint64_t> receive_limit;  // datagrams; then the exchange is over
  std::optional<std::uint64_t> expected;       // replies; with them and the end of the input it is over
  std::optional<Duration> reply_timeout;       // after the end of the input; without one it goes on for ever
  std::optional<Duration> idle_timeout;
  ReplyTo reply_to = ReplyTo::last;  // where there is no peer of our choice
  Address reply_address;             // for ReplyTo::one
  DatagramHandler handler = DatagramHandler::show;
  AnswerRate answer_rate;  // of a handler that answers
  bool is_client = true;
  bool is_udp = true;

  // Of raw sockets.
  std::optional<RecordLimit> limit;                     // of what is sent; by default that of UDP
  std::function<void(std::vector<std::byte>&)> finish;  // a last touch to what is sent
  std::function<Address(std::span<const std::byte>)> destination_of;  // where it says itself that it goes
  std::function<std::size_t(std::span<const std::byte>)> head_of_received;  // bytes that are not shown
};

/// Kept up to date while the exchange goes on.
struct ExchangeTally {
  DatagramCount sent, received;
  std::uint64_t cut = 0;          // datagrams of which a part found no room
  std::uint64_t dropped = 0;      // by the kernel: DatagramReader::dropped()
  std::uint64_t undelivered = 0;  // for unix peers that do not read
  std::uint64_t unanswered = 0;   // see AnswerGuard
  Clock::time_point last = Clock::now();
};

/// Whom the exchange tells of what happens.
struct ExchangeObserver {
  /// Adds to `output` what standard output shall say of a datagram, one of a train's with its own bytes.
  std::function<void(const Datagram& datagram, std::span<const std::byte> bytes, std::string& output)> show;
  /// A datagram was longer than what found room.
  std::function<void(const Datagram&)> cut;
  /// To whom we do not choose to talk alone: an error came back, which concerns that peer and nobody else.
  std::function<void(const DatagramError&)> refused;
  /// A unix peer does not read; what is for it is dropped until it does.
  std::function<void(const Address&)> deaf;
  /// A datagram from there is not answered: told of the first for each reason.
  std::function<void(AnswerRefusal, const Address& source)> unanswered;
  /// All of the input has been sent. May be empty.
  std::function<void()> input_ended = {};
};

/// The standard streams as the exchange uses them, borrowed. `in` is null where the input is not read.
struct ExchangeStreams {
  Stream* in;
  Stream& out;
};

/// Runs to the end that the options define; as a client it ends, too, when the peer refuses. Throws Error,
/// TimedOut (too few replies), Incomplete, and BadInput of `finish` and `destination_of`.
Task<> exchange(DatagramEnd end, ExchangeStreams streams, ExchangeOptions options, ExchangeTally& tally,
                ExchangeObserver observer);

}  // namespace sockx
