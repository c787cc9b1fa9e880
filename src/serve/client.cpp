#include "serve/client.hpp"

#include <algorithm>

namespace sockx {

namespace {

void show(const Stages& stages, std::span<const std::byte> bytes) {
  if (stages.empty() || bytes.empty()) return;
  std::vector<std::byte> shown(bytes.begin(), bytes.end());
  pass_through(stages, shown);
}

}  // namespace

Client::Client(EventLoop& loop, Connection its_connection, Seat seat)
    : number(seat.number),
      connection(std::move(its_connection)),
      cut(connection.fd()),
      place(std::move(seat.place)),
      begun(loop.now()),
      loop_(loop) {}

IoResult Client::receive(std::span<std::byte> buffer) {
  const auto got = stream().read_some(buffer);
  tally.received += got.bytes;
  if (got.state == IoResult::State::moved) tally.last_byte = loop_.now();
  show(sees_received, buffer.first(got.bytes));
  return got;
}

IoResult Client::send(std::span<const std::byte> bytes) {
  return counted_put(stream().write_some(bytes), std::span(&bytes, 1));
}

IoResult Client::send_gathered(std::span<const std::span<const std::byte>> pieces) {
  return counted_put(stream().write_gathered(pieces), pieces);
}

/// What a handler says in one call is not held back for more.
IoResult Client::counted_put(IoResult put, std::span<const std::span<const std::byte>> pieces) {
  tally.sent += put.bytes;
  if (!sees_sent.empty())
    for (auto left = put.bytes; const auto piece : pieces) {
      const auto shown = std::min(left, piece.size());
      show(sees_sent, piece.first(shown));
      left -= shown;
    }
  if (put.state == IoResult::State::moved) tally.last_byte = loop_.now();
  if (!stream().flush_some()) stream().watch().wake_reader_when_writable();
  return put;
}

Task<> Client::send_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto put = send(bytes);
    bytes = bytes.subspan(put.bytes);
    if (!bytes.empty()) {
      co_await stream().writable();
    }
  }
  co_await stream().flush();
}

Task<> Client::end_output(Deadline limit) {
  co_await stream().finish_writing(limit);
  cut.complete();
}

Task<> Client::finish() {
  const auto limit = after(std::chrono::seconds(5));
  co_await end_output(limit);
  co_await stream().drain(limit, &tally.last_byte, &tally.received);
}

}  // namespace sockx
