// broker: what a client says goes to all others, and what the operator says to all.
#include "os/io_result.hpp"
#include "serve/handler.hpp"
#include "serve/line_hold.hpp"
#include "serve/room.hpp"
#include "serve/say_input.hpp"

namespace sockx {

namespace {

class Broker : public Handler {
 public:
  Broker(EventLoop& loop, BrokerOptions options) : room_(loop), options_(options) {
    if (options_.speaks) input_.emplace(loop);
  }

  Task<> serve(Client& client) override {
    Room::Member member(room_, client);
    auto hearing = hear(client);
    co_await room_.converse(member, std::move(hearing));
  }

  Task<> attend() override {
    if (input_) {
      co_await speak();
    }
    auto& loop = co_await this_loop();
    co_await loop.sleep_until(never);
  }

  void set_crowded(bool is_crowded) override { room_.set_crowded(is_crowded); }

 private:
  Task<> hear(Client& client) {
    auto& loop = co_await this_loop();
    LineHold lines(options_.whole_lines, [this, number = client.number](std::span<const std::byte> bytes) {
      room_.say(number, bytes);
    });
    for (bool goes_on = true; goes_on;) {
      co_await client.input();
      co_await room_.wait_for_room(client.number);
      const auto got = client.receive(loop.scratch());
      lines.put(loop.scratch().first(got.bytes));
      goes_on = got.state != IoResult::State::eof;
      if (got.bytes == loop.scratch().size()) {
        co_await loop.next_turn();
      }
    }
  }

  /// nohup(1) gives a standard input that cannot be read: then there is nothing to say.
  Task<> speak() {
    try {
      co_await say_input(*input_, room_, options_.whole_lines);
    } catch (const Error& error) {
      if (error.number() != EBADF) throw;
    }
  }

  Room room_;
  BrokerOptions options_;
  std::optional<ConsoleInput> input_;
};

}  // namespace

std::unique_ptr<Handler> make_broker(EventLoop& loop, BrokerOptions options) {
  return std::make_unique<Broker>(loop, options);
}

}  // namespace sockx
