// broker: what a client says goes to all others.
#include "serve/handler.hpp"
#include "serve/line_hold.hpp"
#include "serve/room.hpp"

namespace sockx {

namespace {

class Broker : public Handler {
 public:
  Broker(EventLoop& loop, bool whole_lines) : room_(loop), whole_lines_(whole_lines) {}

  Task<> serve(Client& client) override {
    Room::Member member(room_, client);
    auto hearing = hear(client);
    co_await room_.converse(member, std::move(hearing));
  }

 private:
  Task<> hear(Client& client) {
    auto& loop = co_await this_loop();
    LineHold hold;
    for (;;) {
      co_await room_.wait_for_the_slow();
      co_await client.input();
      const auto got = client.receive(loop.scratch());
      if (got.state == IoResult::State::eof) break;
      std::vector<std::byte> joined;
      std::span<const std::byte> bytes = loop.scratch().first(got.bytes);
      if (whole_lines_) bytes = hold.pass(bytes, joined);
      room_.say(client.number, Broadcast::Audience::others, bytes);
      if (got.bytes == loop.scratch().size()) {
        co_await loop.next_turn();
      }
    }
    const auto rest = hold.rest();
    room_.say(client.number, Broadcast::Audience::others, rest);
  }

  Room room_;
  bool whole_lines_;
};

}  // namespace

std::unique_ptr<Handler> make_broker(EventLoop& loop, bool whole_lines) {
  return std::make_unique<Broker>(loop, whole_lines);
}

}  // namespace sockx
