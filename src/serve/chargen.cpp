// chargen: lines of printing characters for as long as the client stays.
#include <string>

#include "base/error.hpp"
#include "flow/task_group.hpp"
#include "serve/handler.hpp"

namespace sockx {

namespace {

/// RFC 864: lines of 72 of the 95 characters in a ring, each beginning one further on.
std::string pattern() {
  constexpr int ring = 95, width = 72;
  std::string lines;
  for (int first = 0; first < ring; ++first) {
    for (int i = 0; i < width; ++i) lines += static_cast<char>(' ' + (first + i) % ring);
    lines += "\r\n";
  }
  return lines;
}

class Chargen : public Handler {
 public:
  Chargen() {
    const auto once = pattern();
    for (int i = 0; i < 9; ++i) cycles_ += once;  // some 64 KiB a call
  }

  /// Until the client ends its own half, or is gone.
  Task<> serve(Client& client) override {
    auto& loop = co_await this_loop();
    co_await any(send_for_ever(loop, client), hear_the_end(client));
    co_await client.end_output();
  }

 private:
  Task<> send_for_ever(EventLoop& loop, Client& client) const {
    try {
      for (;;) {
        co_await client.send_all(std::as_bytes(std::span(cycles_)));
        co_await loop.next_turn();
      }
    } catch (const Error& error) {
      if (error.number() != EPIPE && error.number() != ECONNRESET) throw;
    }
  }

  static Task<> hear_the_end(Client& client) {
    try {
      co_await client.stream().drain(never, &client.tally.last_byte, &client.tally.received);
    } catch (const Error& error) {
      if (error.number() != ECONNRESET) throw;
    }
  }

  std::string cycles_;
};

}  // namespace

std::unique_ptr<Handler> make_chargen() { return std::make_unique<Chargen>(); }

}  // namespace sockx
