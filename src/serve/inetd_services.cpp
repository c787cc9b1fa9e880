// The small services of inetd(8): echo (and upper), discard, daytime and chargen.
#include <ctime>
#include <string>

#include "base/error.hpp"
#include "flow/pump.hpp"
#include "flow/task_group.hpp"
#include "os/io_result.hpp"
#include "serve/handler.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr unsigned most_buffers_in_a_row = 16;  // buffers of one client, before others have their turn

/// Messages are copied through the loop's one buffer. A client from which two full buffers have come in a row
/// sends a stream, which goes through a pipe until it pauses.
class Echo : public Handler {
 public:
  Task<> serve(Client& client) override {
    auto& loop = co_await this_loop();
    client.cut.note_caught_up();
    for (unsigned buffers = 1, full = 0;; ++buffers) {
      co_await client.input();
      const auto got = client.receive(loop.scratch());
      if (got.state == IoResult::State::eof) break;
      const auto bytes = transformed(loop.scratch().first(got.bytes));
      const auto put = got.bytes > 0 ? client.send(bytes) : IoResult{};
      if (put.bytes < bytes.size()) {
        const std::vector<std::byte> rest(bytes.begin() + static_cast<std::ptrdiff_t>(put.bytes),
                                          bytes.end());
        client.cut.note_caught_up(false);
        co_await client.send_all(rest);
        client.cut.note_caught_up();
      }
      full = got.bytes == loop.scratch().size() ? full + 1 : 0;
      if (full == 2 && can_splice(client)) {
        co_await splice_until_pause(client);
        full = 0;
      }
      if (buffers % most_buffers_in_a_row == 0) co_await loop.next_turn();
    }
    co_await client.end_output();
  }

  bool is_silent() override { return true; }

 private:
  virtual std::span<std::byte> transformed(std::span<std::byte> bytes) const { return bytes; }
  virtual bool can_splice(const Client& client) const { return client.stream().is_plain(); }

  static Task<> splice_until_pause(Client& client) {
    auto& loop = co_await this_loop();
    auto& watch = client.stream().watch();
    Pump pump(client.stream(), client.stream(), {.method = TransferMethod::splice});
    for (bool goes_on = true; goes_on;) {
      const auto before = pump.bytes();
      const auto state = pump.step();
      const auto moved = pump.bytes() - before;
      client.tally.received += moved;
      client.tally.sent += moved;
      if (moved > 0) client.tally.last_byte = loop.now();
      client.cut.note_caught_up(!pump.is_holding());
      if (state == Pump::State::wants_input) {
        watch.forget_readable();
        goes_on = co_await watch.readable(after(100ms));
      } else if (state == Pump::State::wants_output) {
        watch.forget_writable();
        co_await watch.writable();
      } else if (state == Pump::State::finished) {
        goes_on = false;
      } else {
        co_await loop.next_turn();
      }
    }
  }
};

class Upper : public Echo {
  std::span<std::byte> transformed(std::span<std::byte> bytes) const override {
    for (auto& byte : bytes)
      if (byte >= std::byte{'a'} && byte <= std::byte{'z'}) byte ^= std::byte{'a' ^ 'A'};
    return bytes;
  }
  bool can_splice(const Client&) const override { return false; }
};

class Discard : public Handler {
 public:
  Task<> serve(Client& client) override {
    client.cut.note_caught_up();
    co_await client.stream().drain(never, &client.tally.last_byte, &client.tally.received);
    co_await client.end_output();
  }

  bool is_silent() override { return true; }
};

/// In the form that RFC 867 shows first.
std::string time_of_day() {
  const auto now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char line[80] = "";
  std::strftime(line, sizeof line, "%A, %B %d, %Y %T-%Z\r\n", &local);
  return line;
}

class Daytime : public Handler {
 public:
  Task<> serve(Client& client) override {
    const auto line = time_of_day();
    co_await client.send_all(std::as_bytes(std::span(line)));
    co_await client.finish();
  }
};

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

std::unique_ptr<Handler> make_echo() { return std::make_unique<Echo>(); }
std::unique_ptr<Handler> make_upper() { return std::make_unique<Upper>(); }
std::unique_ptr<Handler> make_discard() { return std::make_unique<Discard>(); }
std::unique_ptr<Handler> make_daytime() { return std::make_unique<Daytime>(); }
std::unique_ptr<Handler> make_chargen() { return std::make_unique<Chargen>(); }

}  // namespace sockx
