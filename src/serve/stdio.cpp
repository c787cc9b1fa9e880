// stdio: clients' bytes merge on standard output, and standard input goes to all of them.
#include "flow/task_group.hpp"
#include "os/io_result.hpp"
#include "serve/console.hpp"
#include "serve/handler.hpp"
#include "serve/line_hold.hpp"
#include "serve/room.hpp"
#include "serve/say_input.hpp"

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

  Task<> attend() override {
    std::vector<Task<>> tasks;
    tasks.push_back(speak());
    tasks.push_back(console_.attend());
    const CutUnlessOver cut(*this);
    co_await any(std::move(tasks));
  }

  void set_crowded(bool is_crowded) override { room_.set_crowded(is_crowded); }

 private:
  /// Clients may not take what they have got for the whole when the server ends before standard input has. A
  /// user who types ends both by the same signal.
  class CutUnlessOver {
   public:
    explicit CutUnlessOver(Stdio& stdio) : stdio_(stdio) {}
    CutUnlessOver(const CutUnlessOver&) = delete;
    CutUnlessOver& operator=(const CutUnlessOver&) = delete;
    ~CutUnlessOver() {
      if (!stdio_.room_.has_ended() && !stdio_.console_.input().is_terminal()) stdio_.room_.cut_off_all();
    }

   private:
    Stdio& stdio_;
  };

  /// A client is read only when everything before has been written, and then lets others have their turn.
  Task<> hear(Client& client) {
    auto& loop = co_await this_loop();
    {
      LineHold lines(options_.whole_lines, [this](std::span<const std::byte> bytes) { console_.put(bytes); });
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
    auto& loop = co_await this_loop();
    co_await loop.sleep_until(never);
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
