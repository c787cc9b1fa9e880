// stdio: clients' bytes merge on standard output, and standard input goes to all of them.
#include <algorithm>
#include <list>
#include <new>

#include "base/non_copyable.hpp"
#include "base/on_exit.hpp"
#include "flow/rate_limit.hpp"
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
  Stdio(EventLoop& loop, StdioOptions options) : room_(loop), console_(loop), options_(std::move(options)) {}

  Task<> serve(Client& client) override {
    if (options_.filter) {
      auto filters = options_.filter(client);
      client.sees_sent = std::move(filters.sent.stages);
      client.sees_received = std::move(filters.received.stages);
    }
    const auto shown = shown_.insert(shown_.end(), &client);
    const OnExit leaving([this, shown] { shown_.erase(shown); });
    Room::Member member(room_, client);
    auto hearing = options_.hears ? hear(client) : drop(client);
    co_await room_.converse(member, std::move(hearing), options_.until);
    if (options_.until == Until::local || options_.until == Until::either) {
      co_await client.finish();
    }
  }

  Task<> run() override {
    if (!options_.speaks) return console_.run();
    return any(speak(), console_.run());
  }

  void set_crowded(bool is_crowded) override { room_.set_crowded(is_crowded); }
  bool is_silent() override {
    const bool is_mute = !options_.speaks || room_.has_ended();
    return console_.is_flushed() && (is_mute || console_.input().is_silent());
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
      auto rate = limit_of(options_.rate);
      for (bool goes_on = true; goes_on;) {
        co_await client.input();
        co_await console_.flush();
        if (!have_caught_up(client.sees_received)) {
          co_await loop.sleep_until(after(std::chrono::milliseconds(1)));
          continue;
        }
        const auto most = allowed_by(rate);
        if (most == 0) {
          co_await loop.sleep_until(rate->worth_waking());
          continue;
        }
        const auto scratch = loop.scratch();
        const auto buffer = scratch.first(std::min<std::size_t>(most, scratch.size()));
        const auto got = client.receive(buffer);
        if (rate) rate->spend(static_cast<std::int64_t>(got.bytes));
        lines.put(buffer.first(got.bytes));
        goes_on = got.state != IoResult::State::eof;
        co_await loop.next_turn();
      }
    }
    co_await console_.flush();
  }

  /// A client that cannot send what nobody wants would stall.
  static Task<> drop(Client& client) {
    co_await client.stream().drain(never, &client.tally.last_byte, &client.tally.received);
  }

  Task<> speak() {
    SayOptions saying;
    if (options_.crlf) saying.stages.push_back(make_crlf());
    saying.rate = options_.rate;
    saying.must_wait = [this] { return is_shown_late(); };
    co_await say_input(console_.input(), room_, std::move(saying));
    room_.end();
    co_await sleep_until(never);
  }

  bool is_shown_late() const {
    return std::ranges::any_of(shown_,
                               [](const Client* client) { return !have_caught_up(client->sees_sent); });
  }

  Room room_;
  Console console_;
  StdioOptions options_;
  std::list<const Client*> shown_;
};

}  // namespace

std::unique_ptr<Handler> make_stdio(EventLoop& loop, StdioOptions options) {
  return std::make_unique<Stdio>(loop, std::move(options));
}

}  // namespace sockx
