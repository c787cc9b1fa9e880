#include "flow/stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/event_loop.hpp"
#include "os/bytes.hpp"
#include "os/calls.hpp"
#include "os/records.hpp"
#include "os/standard_streams.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_discarded = 4 * 1024 * 1024;  // bytes a call

/// A connection that cannot be watched is reset: nothing was said that could have an end.
std::unique_ptr<Watch> watch_of(EventLoop& loop, const Descriptor& facts) {
  try {
    auto watch = std::make_unique<Watch>(loop, facts.fd);
    const bool comes_back =
        facts.kind == Descriptor::Kind::terminal && facts.hang_up == Descriptor::HangUp::pause;
    if (comes_back) watch->ignore_hang_ups();
    return watch;
  } catch (const Error&) {
    if (facts.is_socket()) set_reset_on_close(facts.fd, true);
    throw;
  }
}

/// Of the failures that a transform may be over at, see Transform::is_over(), the one that a peer causes.
bool is_lost_connection(int number) { return number == ECONNRESET || number == EPIPE; }

void throw_unless(bool in_time, const std::string& name) {
  if (!in_time) throw TimedOut(text("{}: timed out", name));
}

}  // namespace

IoResult RawEnd::read(std::span<std::byte> buffer) const { return read_some(facts_, buffer); }
IoResult RawEnd::write(std::span<const std::byte> bytes) const { return write_some(facts_, bytes); }

Stream::Stream(EventLoop& loop, UniqueFd fd, Descriptor facts)
    : fd_(std::move(fd)), facts_(std::move(facts)), watch_(watch_of(loop, facts_)) {}

Stream::Stream(EventLoop& loop, UniqueFd fd, std::string name, Origin origin)
    : fd_(std::move(fd)),
      facts_(describe(fd_.get(), std::move(name), origin)),
      watch_(watch_of(loop, facts_)) {}

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this == &other) return *this;
  close();  // the watch goes before the descriptor
  fd_ = std::move(other.fd_);
  facts_ = std::move(other.facts_);
  watch_ = std::move(other.watch_);
  transform_ = std::move(other.transform_);
  peeked_ = std::move(other.peeked_);
  failed_flushing_ = std::move(other.failed_flushing_);
  return *this;
}

Stream Stream::borrow(EventLoop& loop, Descriptor facts) { return {loop, UniqueFd(), std::move(facts)}; }

Stream Stream::standard_input(EventLoop& loop) {
  auto fd = take_standard_input();
  auto facts = describe_standard_stream(fd.get());
  return {loop, std::move(fd), std::move(facts)};
}

Stream Stream::standard_output(EventLoop& loop) {
  auto fd = take_standard_output();
  auto facts = describe_standard_stream(fd.get());
  return {loop, std::move(fd), std::move(facts)};
}

void Stream::transform_by(const MakeTransform& make) {
  assert(is_plain());
  transform_ = make(RawEnd(facts_));
}

void Stream::close() {
  transform_.reset();
  peeked_.clear();
  watch_.reset();
  fd_.reset();
  facts_.fd = -1;
}

UniqueFd Stream::release() && {
  assert(is_plain());
  watch_.reset();
  return std::move(fd_);
}

IoResult Stream::read_some(std::span<std::byte> buffer) {
  if (!peeked_.empty()) {
    const auto size = std::min(buffer.size(), peeked_.size());
    const auto end = peeked_.begin() + static_cast<std::ptrdiff_t>(size);
    std::copy(peeked_.begin(), end, buffer.begin());
    peeked_.erase(peeked_.begin(), end);
    return {IoResult::State::moved, size};
  }
  if (transform_) return read_from_transform(buffer);
  return noted_read(sockx::read_some(facts_, buffer), buffer.size());
}

/// Whether a failure of the descriptor is none of this stream.
bool Stream::is_over() const { return transform_ && transform_->is_over(); }

/// What reading has caused to be written goes out when there is room, which reading does not wait for. It
/// looks again when there is, because the peer may say nothing more before it has that.
IoResult Stream::read_from_transform(std::span<std::byte> buffer) {
  const auto got = transform_->read(buffer);
  const bool held = is_holding();
  bool is_flushed = true;
  try {
    is_flushed = flush_some();
  } catch (const Error&) {
    failed_flushing_ = std::current_exception();
  }
  // What has come is read first. After that the failure counts: the kernel reports a reset once, and what
  // cannot be sent may be what the peer waits for before it says anything.
  const bool has_failed = got.state != IoResult::State::moved && failed_flushing_ && !is_over();
  if (has_failed) std::rethrow_exception(failed_flushing_);
  if (got.state != IoResult::State::again) return got;
  watch_->forget_readable();
  if (!is_flushed)
    watch_->wake_reader_when_writable();
  else if (held)
    watch_->presume_readable();  // what was held may have been in its way
  return got;
}

/// TCP that gave less than it was asked for is empty now. A unix socket is read no further than to a message
/// with descriptors, whatever waits behind it.
IoResult Stream::noted_read(IoResult got, std::size_t asked) {
  if (got.state == IoResult::State::again) watch_->forget_readable();
  const bool tells_all = facts_.kind == Descriptor::Kind::tcp;
  if (tells_all && got.bytes > 0 && got.bytes < asked) watch_->forget_readable_after_short_read();
  return got;
}

/// A socket that takes less than it is given is full.
IoResult Stream::noted_write(IoResult put, std::size_t given) {
  const bool is_full = put.state == IoResult::State::again || (facts_.is_socket() && put.bytes < given);
  if (is_full) watch_->forget_writable();
  return put;
}

IoResult Stream::write_some(std::span<const std::byte> bytes, int flags) {
  if (failed_flushing_) std::rethrow_exception(failed_flushing_);
  if (transform_) return noted_write(transform_->write(bytes), 0);
  return noted_write(sockx::write_some(facts_, bytes, flags), bytes.size());
}

IoResult Stream::write_gathered(std::span<const std::span<const std::byte>> pieces) {
  if (!transform_ && facts_.is_socket()) {
    std::size_t size = 0;
    for (const auto piece : pieces.first(std::min(pieces.size(), most_gathered))) size += piece.size();
    return noted_write(send_gathered(facts_, pieces), size);
  }
  IoResult all;
  for (const auto piece : pieces) {
    const auto put = write_some(piece);
    all.bytes += put.bytes;
    if (put.bytes < piece.size()) break;
  }
  if (all.bytes > 0) all.state = IoResult::State::moved;
  return all;
}

IoResult Stream::discard_some() {
  if (is_plain() && facts_.kind == Descriptor::Kind::tcp)
    return noted_read(sockx::discard_some(facts_, most_discarded), most_discarded);
  if (facts_.kind == Descriptor::Kind::seqpacket) return noted_read(drop_record(facts_), 0);
  return read_some(watch_->loop().scratch());
}

IoResult Stream::look_ahead() {
  if (is_plain()) return sockx::look_ahead(facts_);
  std::byte next;
  return peek_now({&next, 1});
}

bool Stream::flush_some() {
  if (failed_flushing_ && !is_over()) std::rethrow_exception(failed_flushing_);
  if (!is_holding()) return true;
  try {
    transform_->flush();
  } catch (const Error& error) {
    if (!is_lost_connection(error.number()) || !is_over()) throw;
    return true;
  }
  if (!transform_->is_holding()) return true;
  watch_->forget_writable();
  return false;
}

bool Stream::end_at_once() {
  if (!transform_) return true;
  try {
    if (!flush_some()) return false;
    transform_->finish();
    return flush_some();
  } catch (const std::exception&) {
    return false;
  }
}

Task<std::size_t> Stream::read_exactly(std::span<std::byte> buffer, Deadline deadline) {
  std::size_t size = 0;
  while (size < buffer.size()) {
    const auto got = read_some(buffer.subspan(size));
    size += got.bytes;
    if (got.state == IoResult::State::eof) break;
    if (got.state == IoResult::State::moved) continue;
    const bool in_time = co_await readable(deadline);
    throw_unless(in_time, name());
  }
  co_return size;
}

/// What has been seen without a mark is taken at once, so that nothing is looked at twice, however it comes.
Task<std::optional<std::string>> Stream::read_up_to(FindEnd end_of, std::size_t longest, Deadline deadline) {
  constexpr std::size_t longest_peek = 4096;
  std::string known;
  for (std::size_t seen = 0;;) {
    known.resize(std::min(longest, seen + longest_peek));
    const auto next = std::as_writable_bytes(std::span(known)).subspan(seen);
    if (next.empty()) throw Error(EMSGSIZE, text("read from {}", name()), facts_.origin);
    const auto size = co_await peek(next, 1, deadline);
    if (size == 0) co_return std::nullopt;
    const auto end = end_of(std::string_view(known).substr(0, seen + size), seen);
    const auto taken = end > 0 ? end - seen : size;
    co_await read_exactly(next.first(taken), deadline);
    seen += taken;
    if (end == 0) continue;
    known.resize(end);
    co_return known;
  }
}

Task<std::optional<std::string>> Stream::read_line(std::size_t longest, Deadline deadline) {
  const auto find_end = [](std::string_view known, std::size_t seen) {
    return known.find('\n', seen) + 1;  // npos + 1 is 0
  };
  auto line = co_await read_up_to(find_end, longest + 1, deadline);
  if (line) line->pop_back();
  co_return line;
}

/// `eof` where no more bytes will come than these.
IoResult Stream::peek_now(std::span<std::byte> buffer) {
  if (!transform_ && facts_.is_socket()) {
    const auto got = peek_socket(facts_, buffer);
    const bool has_room = got.bytes < buffer.size();
    if (got.state == IoResult::State::moved && has_room && has_peer_shut_down(facts_))
      return {IoResult::State::eof, got.bytes};
    return got;
  }
  auto state = IoResult::State::moved;
  while (peeked_.size() < buffer.size()) {
    auto taken = std::exchange(peeked_, {});
    const auto size = taken.size();
    taken.resize(buffer.size());
    const auto got = read_some(std::span(taken).subspan(size));
    taken.resize(size + got.bytes);
    peeked_ = std::move(taken);
    state = got.state;
    if (state != IoResult::State::moved) break;
  }
  const auto size = std::min(peeked_.size(), buffer.size());
  std::copy_n(peeked_.begin(), size, buffer.begin());
  if (size > 0) watch_->presume_readable();
  if (state == IoResult::State::again && size > 0) state = IoResult::State::moved;
  return {state, size};
}

Task<std::size_t> Stream::peek(std::span<std::byte> buffer, std::size_t least, Deadline deadline) {
  for (;;) {
    const auto ahead = peek_now(buffer);
    if (ahead.bytes >= least || ahead.state == IoResult::State::eof) co_return ahead.bytes;
    watch_->forget_readable();  // for more than is there
    const bool in_time = co_await readable(deadline);
    if (!in_time && ahead.bytes > 0) watch_->presume_readable();
    throw_unless(in_time, name());
  }
}

Task<> Stream::write_all(std::span<const std::byte> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const auto put = write_some(bytes);
    bytes = bytes.subspan(put.bytes);
    if (put.state == IoResult::State::moved) continue;
    const bool in_time = co_await writable(deadline);
    throw_unless(in_time, name());
  }
  co_await flush(deadline);
}

Task<> Stream::flush(Deadline deadline) {
  while (!flush_some()) {
    const bool in_time = co_await writable(deadline);
    throw_unless(in_time, name());
  }
}

int Stream::take_error() {
  const int number = pending_error(facts_);
  if (number != 0 && transform_) transform_->note_failure(number);
  return number;
}

Task<> Stream::finish_writing(Deadline deadline) {
  if (transform_) {
    co_await flush(deadline);
    // A failure up to here has lost bytes; see Transform::is_over().
    const int number = take_error();
    if (number != 0 && !is_over()) throw Error(number, text("send {}", name()), facts_.origin);
    transform_->finish();
    co_await flush(deadline);
  }
  if (facts_.is_socket()) shutdown_write(facts_);
}

Task<bool> Stream::drain(Deadline deadline, Clock::time_point* last_byte, std::uint64_t* dropped) {
  auto& loop = watch_->loop();
  for (;;) {
    const auto got = discard_some();
    if (dropped != nullptr) *dropped += got.bytes;
    if (got.state == IoResult::State::eof) co_return true;
    if (got.state == IoResult::State::again) {
      const bool in_time = co_await readable(deadline);
      if (!in_time) co_return false;
    } else {
      if (last_byte != nullptr) *last_byte = loop.now();
      co_await loop.next_turn();
      if (loop.now() >= deadline) co_return false;
    }
  }
}

namespace {

/// After a reset; a connection that has ended well has no unacknowledged bytes, which is asked second because
/// the last acknowledgement ends it.
bool has_lost_bytes(const Descriptor& socket) {
  return is_disconnected(socket) && unacknowledged(socket).value_or(0) > 0;
}

}  // namespace

/// The kernel has no event for "all acknowledged", so this looks again and again, ever more rarely: it is
/// late by an eighth of the time that the peer takes, and by no more than a second.
Task<bool> Stream::wait_until_acknowledged(Deadline deadline, Clock::time_point* last_byte) {
  auto& loop = watch_->loop();
  while (!flush_some()) {
    const bool in_time = co_await writable(deadline);
    if (!in_time) co_return false;
    if (last_byte != nullptr) *last_byte = loop.now();
  }
  const auto begun = loop.now();
  auto before = unacknowledged(facts_).value_or(0);
  for (;;) {
    const auto left = unacknowledged(facts_).value_or(0);
    int number = take_error();  // asked second: a reset may come in between
    if (number == 0 && left > 0 && has_lost_bytes(facts_)) number = ECONNRESET;  // told to another call
    if (is_lost_connection(number) && is_over()) co_return true;
    if (number != 0) throw Error(number, text("send {}", name()), facts_.origin);
    if (left == 0) co_return true;
    if (left < before && last_byte != nullptr) *last_byte = loop.now();
    before = left;
    if (loop.now() >= deadline) co_return false;
    const auto pause = std::clamp<Duration>((Clock::now() - begun) / 8, 200us, 1s);
    co_await loop.sleep_until(std::min(after(pause), deadline));
  }
}

}  // namespace sockx
