// exchange(): sends standard input as datagrams to one or several peers, and writes theirs to standard
// output.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datagram/answer_guard.hpp"
#include "datagram/datagram_rate.hpp"
#include "datagram/outbox.hpp"
#include "datagram/peer_service.hpp"
#include "flow/clock.hpp"
#include "flow/framing.hpp"
#include "flow/stream.hpp"
#include "flow/task.hpp"
#include "net/datagram/datagram_error.hpp"
#include "net/datagram/datagram_socket.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

/// Which peers get the standard input of a socket that receives from all.
enum class ReplyTo { last, all, none, one };
/// What is done with a received datagram: it is shown, sent back as it is or in upper case, or dropped.
enum class DatagramHandler { show, echo, upper, discard };

struct ExchangeOptions {
  std::optional<Framing> framing;  // by default lines; of a regular file pieces of 1400 bytes
  DatagramRate rate;               // of what is sent
  int send_flags = 0, recv_flags = 0;
  std::size_t most = 64 * 1024;                // bytes of a datagram that are kept
  std::optional<std::uint64_t> send_limit;     // datagrams; the input counts as ended then
  std::optional<std::uint64_t> receive_limit;  // datagrams; then the exchange is over
  std::optional<std::uint64_t> expected;  // replies; the exchange ends after them and the end of the input
  std::optional<Duration> reply_timeout;  // after the end of the input; without a value there is no limit
  std::optional<Duration> idle_timeout;
  ReplyTo reply_to = ReplyTo::last;  // where the user has named no peer
  Address reply_address;             // for ReplyTo::one
  DatagramHandler handler = DatagramHandler::show;
  PeerService* service = nullptr;  // instead of the handler; borrowed. Null: none
  AnswerRate answer_rate;          // of a handler that answers, or a service
  /// Whether a datagram is received. One that is not leaves no trace but ExchangeTally::refused. Empty: all
  /// are.
  std::function<bool(const Datagram&)> admits;
  bool is_client = true;
  bool is_udp = true;

  // Of raw sockets.
  std::optional<RecordLimit> limit;                     // of what is sent; by default that of UDP
  std::function<void(std::vector<std::byte>&)> finish;  // changes a datagram before it is sent
  std::function<Address(std::span<const std::byte>)> destination_of;        // from its own header
  std::function<std::size_t(std::span<const std::byte>)> head_of_received;  // bytes that are not shown
};

/// Kept up to date while the exchange goes on.
struct ExchangeTally {
  DatagramCount sent, received;
  std::uint64_t cut = 0;          // datagrams that were longer than `most`
  std::uint64_t dropped = 0;      // by the kernel: DatagramReader::dropped()
  std::uint64_t undelivered = 0;  // for unix peers that do not read
  std::uint64_t unanswered = 0;   // see AnswerGuard
  std::uint64_t refused = 0;      // not admitted
  std::uint64_t unserved = 0;     // dropped by a service
  Clock::time_point last = Clock::now();
};

/// Callbacks of the exchange.
struct ExchangeObserver {
  /// Appends to `output` the text of a datagram for standard output; one of a train has its own bytes.
  std::function<void(const Datagram& datagram, std::span<const std::byte> bytes, std::string& output)> show;
  /// A datagram was longer than `most`.
  std::function<void(const Datagram&)> cut;
  /// An ICMP error came back for one of several peers. It concerns only that peer.
  std::function<void(const DatagramError&)> refused;
  /// A unix peer does not read: datagrams for it are dropped until it does.
  std::function<void(const Address&)> deaf;
  /// A datagram is not answered; called for the first one of each reason.
  std::function<void(AnswerRefusal, const Address& source)> unanswered;
  /// All of the input has been sent. May be empty.
  std::function<void()> input_ended = {};
};

/// The standard streams as the exchange uses them, borrowed. `in` is null where the input is not read.
struct ExchangeStreams {
  Stream* in;
  Stream& out;
};

/// What a datagram to that address may have at most; `most_of_unix` bytes over a unix socket.
RecordLimit limit_of_datagram(const Address& to, std::size_t most_of_unix);

/// Runs until the end that the options define. A client also ends when the peer refuses. Throws Error,
/// TimedOut (too few replies), Incomplete, and BadInput of `finish` and `destination_of`.
Task<> exchange(DatagramEnd end, ExchangeStreams streams, ExchangeOptions options, ExchangeTally& tally,
                ExchangeObserver observer);

}  // namespace sockx
