#include "serve/client.hpp"

namespace sockx {

Client::Client(EventLoop& loop, std::uint64_t its_number, Accepted accepted, Descriptor described)
    : number(its_number),
      peer(accepted.peer),
      socket(std::move(described)),
      connection(std::move(accepted.socket)),
      cut(connection.fd()),
      watch(loop, connection.fd()),
      begun(loop.now()),
      loop_(loop) {}

IoResult Client::receive(std::span<std::byte> buffer) {
  const auto got = read_some(socket, buffer);
  tally.received += got.bytes;
  if (got.state == IoResult::State::moved) tally.last_byte = loop_.now();
  if (got.state == IoResult::State::again) watch.forget_readable();
  // A unix socket is read no further than to a message with descriptors, whatever waits behind it.
  const bool tells_all = socket.kind == Descriptor::Kind::tcp;
  if (tells_all && got.bytes > 0 && got.bytes < buffer.size()) watch.forget_readable_after_short_read();
  return got;
}

IoResult Client::send(std::span<const std::byte> bytes) {
  const auto put = write_some(socket, bytes);
  note_sent(put, bytes.size());
  return put;
}

IoResult Client::send_gathered(std::span<const std::span<const std::byte>> pieces) {
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  const auto put = sockx::send_gathered(socket, pieces);
  note_sent(put, size);
  return put;
}

void Client::note_sent(const IoResult& put, std::size_t asked) {
  tally.sent += put.bytes;
  if (put.state == IoResult::State::moved) tally.last_byte = loop_.now();
  if (put.bytes < asked) watch.forget_writable();
}

Task<> Client::send_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto put = send(bytes);
    bytes = bytes.subspan(put.bytes);
    if (!bytes.empty()) co_await watch.writable();
  }
}

void Client::end_output() {
  shutdown_write(socket);
  cut.complete();
}

Task<> Client::finish() {
  end_output();
  co_await drain(socket, watch, after(std::chrono::seconds(5)), &tally.last_byte, &tally.received);
}

}  // namespace sockx
