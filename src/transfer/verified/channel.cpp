#include "transfer/verified/channel.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "flow/relay.hpp"
#include "os/calls.hpp"

namespace sockx {

namespace {

constexpr std::size_t buffer_size = 256 * 1024;

}  // namespace

Channel::Channel(EventLoop& loop, Connection connection, Clock::time_point& last_byte)
    : loop_(loop), stream_(std::move(connection.stream)), flushed_(loop), last_byte_(last_byte) {
  send_without_delay(stream_.facts());
  probe_when_silent(stream_.facts());
}

Task<> Channel::fill(std::size_t least) {
  while (end_ - begin_ < least) {
    if (size_ - begin_ < std::max(least, buffer_size / 2)) hold(buffer_size);
    const auto got = stream_.read_some(std::span(buffer_.get(), size_).subspan(end_));
    if (got.state == IoResult::State::eof)
      throw Incomplete(text("{} has ended before the transfer was complete", peer()));
    if (got.state == IoResult::State::again) {
      hold(end_ - begin_);
      if (unsent() == 0) unsent_.shrink_to_fit();
      co_await stream_.readable();
      continue;
    }
    end_ += got.bytes;
    last_byte_ = loop_.now();
  }
}

/// Gives the buffer this size, and keeps the input.
void Channel::hold(std::size_t size) {
  const auto kept = waiting();
  auto buffer = size == 0 ? nullptr : std::make_unique_for_overwrite<std::byte[]>(size);
  if (!kept.empty()) std::memcpy(buffer.get(), kept.data(), kept.size());
  buffer_ = std::move(buffer);
  size_ = size;
  end_ -= std::exchange(begin_, 0);
}

template <class Decode>
auto Channel::of_peer(Decode decode) const {
  try {
    return decode();
  } catch (const Corrupt& error) {
    throw Corrupt(text("{}: {}", peer(), error.what()));
  }
}

Task<Message> Channel::receive() {
  co_await fill(frame_magic_size);  // other protocols may not send enough for a header
  of_peer([&] { check_magic(waiting().substr(0, frame_magic_size)); });
  co_await fill(frame_header_size);
  const auto header = of_peer([&] { return decode_header(waiting().substr(0, frame_header_size)); });
  const auto size = frame_header_size + header.length + frame_digest_size;
  co_await fill(size);
  auto message = of_peer([&] { return decode(waiting().substr(0, size)); });
  begin_ += size;
  co_return message;
}

Task<std::span<const std::byte>> Channel::receive_piece(std::uint64_t most) {
  if (begin_ == end_) begin_ = end_ = 0;
  co_await fill(1);
  const auto size = std::min<std::uint64_t>(most, end_ - begin_);
  const std::span<const std::byte> piece(buffer_.get() + begin_, static_cast<std::size_t>(size));
  begin_ += piece.size();
  co_return piece;
}

Task<std::string> Channel::receive_bytes(std::size_t size) {
  co_await fill(size);
  std::string bytes(waiting().substr(0, size));
  begin_ += size;
  co_return bytes;
}

void Channel::drop_unsent() {
  std::size_t kept = 0;
  while (kept < sent_) {
    const auto header = decode_header(std::string_view(unsent_).substr(kept, frame_header_size));
    kept += frame_header_size + header.length + frame_digest_size;
  }
  unsent_.resize(kept);
}

Task<> Channel::flush(bool more) {
  while (is_flushing_) {
    co_await flushed_.wait();
  }
  is_flushing_ = true;
  const OnExit flushed([this] {  // also when this fails or is dropped
    is_flushing_ = false;
    flushed_.notify();
  });
  while (sent_ < unsent_.size()) {  // other tasks may queue more meanwhile
    const auto left = std::string_view(unsent_).substr(sent_);
    const auto put = stream_.write_some(std::as_bytes(std::span(left)), more ? MSG_MORE : 0);
    if (put.state == IoResult::State::moved) {
      sent_ += put.bytes;
      last_byte_ = loop_.now();
      continue;
    }
    co_await stream_.writable();
  }
  if (!more) {
    co_await stream_.flush();
  }
  unsent_.clear();
  sent_ = 0;
}

Task<> Channel::send_payload(Pump& pump, PumpControl control) {
  control.last_byte = &last_byte_;
  co_await run_pump(pump, control);
}

Task<> Channel::close(Deadline limit) {
  set_reset_on_close(stream_.facts().fd, false);
  try {
    co_await stream_.finish_writing(limit);
  } catch (const std::runtime_error&) {  // all that matters has been sent
  }
  co_await drop_input(limit);
}

Task<> Channel::reject(Deadline limit) {
  set_reset_on_close(stream_.facts().fd, true);
  co_await drop_input(limit);
}

Task<> Channel::drop_input(Deadline limit) {
  try {
    co_await stream_.drain(limit);
  } catch (const Error&) {
  }
}

std::string not_greeted_within(const Channel& channel, Duration limit) {
  return text("{} has sent no greeting within {:g} s", channel.peer(), seconds(limit));
}

}  // namespace sockx
