// Channel: one connection of a verified transfer, as messages and payload.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "flow/notification.hpp"
#include "flow/pump.hpp"
#include "flow/pumping.hpp"
#include "flow/stream.hpp"
#include "net/connection.hpp"
#include "os/text.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// One task reads at a time, and one sends payload; any number may put messages and flush. Both ways throw
/// Error for a fault of the connection. While nothing comes, there is no memory for it: a peer that is silent
/// costs little.
class Channel {
 public:
  /// `last_byte` is kept up to date: when a byte has last come or gone. A peer whose machine is gone is found
  /// so though nothing is on its way to it: see probe_when_silent().
  Channel(EventLoop& loop, Connection connection, Clock::time_point& last_byte);

  const std::string& peer() const { return stream_.name(); }

  /// Whether something has been read that nobody has asked for yet.
  bool has_waiting_input() const { return begin_ < end_; }
  /// The next message. Throws Corrupt, and Incomplete when the peer has ended.
  Task<Message> receive();
  /// Some of the next bytes, which follow a message: at least one, and at most `most`. They are good until
  /// the next call.
  Task<std::span<const std::byte>> receive_piece(std::uint64_t most);
  /// The next `size` bytes; not more than a few thousand.
  Task<std::string> receive_bytes(std::size_t size);

  /// Puts a message, or bytes behind one, in line to be sent.
  void put(const Message& message) { put_bytes(encode(message)); }
  void put_bytes(std::string_view bytes) { unsent_ += bytes; }
  /// Takes back the messages that are still in line, but for the rest of one that has gone in part. Not for
  /// a channel with other bytes in line.
  void drop_unsent();
  std::size_t unsent() const { return unsent_.size() - sent_; }  // bytes
  /// Sends what is in line, until there is nothing; with `more` the kernel may hold back the tail for what
  /// follows at once. Where another task does so already this waits for that, and goes on if it is dropped.
  Task<> flush(bool more = false);
  /// Then, payload by a pump to stream().
  Task<> send_payload(Pump& pump, Pacing pacing);
  Stream& stream() { return stream_; }

  /// Says that nothing more comes, and waits until the peer has said so too or is gone, dropping what still
  /// comes, at most until `limit`: closing at once could destroy what was said last (tcp(7)). Until then a
  /// socket that is set to reset on close does so.
  Task<> close(Deadline limit);
  /// The same for a peer that may not be one of ours: it does not hear an end, which could mean to it that we
  /// have what it sent, but a reset once the channel goes.
  Task<> reject(Deadline limit);

 private:
  class Flushing;
  Task<> fill(std::size_t least);
  void hold(std::size_t size);
  /// Whatever is thrown as Corrupt names the peer.
  template <class Decode>
  auto of_peer(Decode decode) const;
  Task<> drop_input(Deadline limit);
  std::string_view waiting() const { return as_text(std::span(buffer_.get(), end_).subspan(begin_)); }

  EventLoop& loop_;
  Stream stream_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t size_ = 0;             // of the buffer, which is small while nothing comes
  std::size_t begin_ = 0, end_ = 0;  // what has come and has not been asked for
  std::string unsent_;               // what has been put since all was sent last
  std::size_t sent_ = 0;             // bytes of it
  bool is_flushing_ = false;
  Notification flushed_;  // or given up
  Clock::time_point& last_byte_;
};

/// "the receiver has not greeted within 10 s".
std::string not_greeted_within(const Channel& channel, Duration limit);

}  // namespace sockx
