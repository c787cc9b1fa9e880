// Channel: one connection of a verified transfer, as messages and payload.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "flow/notification.hpp"
#include "flow/pump.hpp"
#include "flow/run_pump.hpp"
#include "flow/stream.hpp"
#include "net/stream/connection.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// The limit of close() at the end of a transfer.
constexpr Duration closing_time = std::chrono::seconds(2);

/// One task may read at a time, and one may send payload; any number may put messages and flush. Reading and
/// sending throw Error when the connection fails. The input buffer is freed while nothing comes, so that a
/// silent peer costs little memory.
class Channel {
 public:
  /// `last_byte` is set whenever a byte is received or sent. A peer whose host is down is noticed even while
  /// nothing is sent to it: see probe_when_silent().
  Channel(EventLoop& loop, Connection connection, Clock::time_point& last_byte);

  const std::string& peer() const { return stream_.name(); }

  /// Whether bytes have been read from the connection that no receive function has returned yet.
  bool has_waiting_input() const { return begin_ < end_; }
  /// The next message. Throws Corrupt; Incomplete when the peer has closed the connection.
  Task<Message> receive();
  /// Some of the bytes that follow a message: at least one, and at most `most`. They are valid until the next
  /// call.
  Task<std::span<const std::byte>> receive_piece(std::uint64_t most);
  /// The next `size` bytes; not more than a few thousand.
  Task<std::string> receive_bytes(std::size_t size);

  /// Queues a message, or the bytes that follow one.
  void put(const Message& message) { put_bytes(encode(message)); }
  void put_bytes(std::string_view bytes) { unsent_ += bytes; }
  /// Removes the messages that are still queued, except for the rest of one that has been sent in part. No
  /// other bytes may be queued.
  void drop_unsent();
  std::size_t unsent() const { return unsent_.size() - sent_; }  // bytes
  /// Sends all that is queued. With `more`, the kernel may hold back the last bytes until the next call. If
  /// another task is flushing, this waits for it, and takes over if that task is dropped.
  Task<> flush(bool more = false);
  /// Sends payload by a pump to stream(); to be called after flush().
  Task<> send_payload(Pump& pump, PumpControl control);
  Stream& stream() { return stream_; }

  /// Half-closes the connection, then reads and drops input until the peer has closed it too, at most until
  /// `limit`: closing at once could destroy what was sent last (tcp(7)). The socket does not reset on close
  /// any more.
  Task<> close(Deadline limit);
  /// For a peer that may not be sockx: it gets a reset when the channel is destroyed, not an end, which it
  /// could take for success. Until `limit`, input is read and dropped.
  Task<> reject(Deadline limit);

 private:
  Task<> fill(std::size_t least);
  void hold(std::size_t size);
  /// Puts the peer's name in front of what `decode` throws as Corrupt.
  template <class Decode>
  auto of_peer(Decode decode) const;
  Task<> drop_input(Deadline limit);
  std::string_view waiting() const { return as_text(std::span(buffer_.get(), end_).subspan(begin_)); }

  EventLoop& loop_;
  Stream stream_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t size_ = 0;             // of the buffer
  std::size_t begin_ = 0, end_ = 0;  // of the input in the buffer
  std::string unsent_;               // what is queued, of which the
  std::size_t sent_ = 0;             // first bytes have been sent
  bool is_flushing_ = false;
  Notification flushed_;  // or the flushing task was dropped
  Clock::time_point& last_byte_;
};

/// "the receiver has not greeted within 10 s".
std::string not_greeted_within(const Channel& channel, Duration limit);

}  // namespace sockx
