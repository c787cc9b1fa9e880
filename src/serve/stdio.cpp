// stdio: clients' bytes merge on standard output, and standard input goes to all of them.
#include <new>

#include "base/non_copyable.hpp"
#include "flow/task_group.hpp"
#include "os/io_result.hpp"
#include "serve/console.hpp"
#include "serve/handler.hpp"
#include "serve/line_hold.hpp"
#include "serve/room.hpp"

namespace sockx {

namespace {

class Stdio : public Handler {
 public:
  Stdio(EventLoop& loop, StdioOptions options) : room_(loop), console_(loop), options_(options) {}

  Task<> serve(Client& client) override {
    Room::Member member(room_, client);
    auto hearing = hear(client);
    co_await room_.converse(member, std::move(hearing), options_.until);
    if (options_.until == Until::local || options_.until == Until::either) {
      co_await client.finish();
    }
  }

  Task<> run() override { return any(speak(), console_.run()); }

  void set_crowded(bool is_crowded) override { room_.set_crowded(is_crowded); }
  bool is_silent() override {
    return console_.is_flushed() && (room_.has_ended() || console_.input().is_silent());
  }

 private:
  /// The lines of a client. What is left of the last one is put however the client goes: the console keeps
  /// it.
  class Lines : NonCopyable {
   public:
    Lines(Console& console, bool whole)
        : hold_(whole, [&console](std::span<const std::byte> bytes) { console.put(bytes); }) {}
    ~Lines() {
      try {
        hold_.end();
      } catch (const std::bad_alloc&) {  // there is no memory for it
      }
    }
    void put(std::span<const std::byte> bytes) { hold_.put(bytes); }

   private:
    LineHold hold_;
  };

  /// A client is read only when everything before has been written, and then lets others have their turn.
  Task<> hear(Client& client) {
    auto& loop = co_await this_loop();
    {
      Lines lines(console_, options_.whole_lines);
      for (bool goes_on = true; goes_on;) {
        co_await client.input();
        co_await console_.flush();
        const auto got = client.receive(loop.scratch());
        lines.put(loop.scratch().first(got.bytes));
        goes_on = got.state != IoResult::State::eof;
        co_await loop.next_turn();
      }
    }
    co_await console_.flush();
  }

  Task<> speak() {
    co_await say_input(console_.input(), room_, false);
    room_.end();
    co_await sleep_until(never);
  }

  Room room_;
  Console console_;
  StdioOptions options_;
};

}  // namespace

std::unique_ptr<Handler> make_stdio(EventLoop& loop, StdioOptions options) {
  return std::make_unique<Stdio>(loop, options);
}

}  // namespace sockx
