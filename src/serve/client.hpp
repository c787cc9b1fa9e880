// Client: one connection of a server, and what is known of it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "flow/cut_unless_complete.hpp"
#include "flow/relay.hpp"
#include "flow/stage.hpp"
#include "flow/stream.hpp"
#include "net/stream/connection.hpp"
#include "os/io_result.hpp"
#include "serve/service.hpp"

namespace sockx {

/// Why a client is closed that was still there when the server stopped.
inline constexpr std::string_view server_has_stopped = "the server has stopped";

struct Client {
  Client(EventLoop& loop, Connection connection, Seat seat);

  /// Read and write without waiting, counted. Throw Error.
  IoResult receive(std::span<std::byte> buffer);
  IoResult send(std::span<const std::byte> bytes);
  /// The same by one call for all the pieces.
  IoResult send_gathered(std::span<const std::span<const std::byte>> pieces);
  /// Until everything is sent; the bytes stay where they are as long. Throws Error.
  Task<> send_all(std::span<const std::byte> bytes);
  /// Until there is something to receive, or the peer has ended.
  ReadinessWait input() { return stream().readable(); }
  /// Sends FIN: our half is complete.
  Task<> end_output(Deadline limit = never);
  /// end_output(), then drops what still comes until the peer's end, for 5 s: closing with unread input would
  /// be a reset, which destroys what the peer has not read yet. Throws Error.
  Task<> finish();
  const std::string& name() const { return connection.name(); }
  Stream& stream() { return connection.stream; }
  const Stream& stream() const { return connection.stream; }
  const Address& peer() const { return connection.peer; }

  std::uint64_t number;  // of this server's connections, from 1
  Connection connection;
  CutUnlessComplete cut;  // complete once our half has ended or the handler is done with it
  Tally tally;
  std::shared_ptr<void> place;  // one of the server's; work that goes on for the client may keep it longer
  Clock::time_point begun;
  std::string ending{server_has_stopped};  // why it is closed, in the end
  std::string mend;                        // the setting that would have helped, or empty
  Stages sees_sent, sees_received;         // look at what send() and receive() move, and change nothing

 private:
  IoResult counted_put(IoResult put, std::span<const std::span<const std::byte>> pieces);
  EventLoop& loop_;
};

}  // namespace sockx
