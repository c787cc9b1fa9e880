// stdio: clients' bytes merge on standard output, and standard input goes to all of them.
#include <exception>

#include "flow/task_group.hpp"
#include "serve/console.hpp"
#include "serve/handler.hpp"
#include "serve/line_hold.hpp"
#include "serve/room.hpp"

namespace sockx {

namespace {

class Stdio : public Handler {
 public:
  Stdio(EventLoop& loop, bool whole_lines)
      : room_(loop), console_(loop), whole_lines_(whole_lines), came_(loop), free_(loop), failed_(loop) {}

  Task<> serve(Client& client) override {
    Room::Member member(room_, client);
    came_.notify();
    auto hearing = hear(client);
    co_await room_.converse(member, std::move(hearing));
  }

  Task<> attend() override {
    std::vector<Task<>> tasks;
    tasks.push_back(read_input());
    tasks.push_back(console_.wait_for_reader_to_leave());
    tasks.push_back(wait_for_failure());
    const CutUnlessOver cut(*this);
    co_await any(std::move(tasks));
  }

 private:
  /// Clients may not take what they have got for the whole when the server ends before standard input has. A
  /// user who types ends both by the same signal.
  class CutUnlessOver {
   public:
    explicit CutUnlessOver(const Stdio& stdio) : stdio_(stdio) {}
    CutUnlessOver(const CutUnlessOver&) = delete;
    CutUnlessOver& operator=(const CutUnlessOver&) = delete;
    ~CutUnlessOver() {
      if (!stdio_.room_.has_ended() && !stdio_.console_.is_typed()) stdio_.room_.cut_off_all();
    }

   private:
    const Stdio& stdio_;
  };

  /// The turn to write.
  class Turn {
   public:
    explicit Turn(Stdio& stdio) : stdio_(stdio) { stdio_.is_taken_ = true; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      stdio_.is_taken_ = false;
      stdio_.free_.notify();
    }

   private:
    Stdio& stdio_;
  };

  /// A client is read only when it is its turn to write, and then lets others have theirs.
  Task<> hear(Client& client) {
    auto& loop = co_await this_loop();
    LineHold hold;
    for (bool goes_on = true; goes_on;) {
      co_await client.input();
      while (is_taken_) {
        co_await free_.wait();
      }
      {
        const Turn turn(*this);
        goes_on = co_await merge_some(client, hold);
      }
      co_await loop.next_turn();
    }
  }

  /// False at the client's end.
  Task<bool> merge_some(Client& client, LineHold& hold) {
    auto& loop = co_await this_loop();
    const auto got = client.receive(loop.scratch());
    const bool is_end = got.state == IoResult::State::eof;
    std::vector<std::byte> joined;
    std::span<const std::byte> bytes = loop.scratch().first(got.bytes);
    if (is_end)
      bytes = joined = hold.rest();
    else if (whole_lines_)
      bytes = hold.pass(bytes, joined);
    co_await write(bytes);
    co_return !is_end;
  }

  /// What befalls standard output is not the end of this client, but of the server.
  Task<> write(std::span<const std::byte> bytes) {
    try {
      co_await console_.write(bytes);
    } catch (const Error&) {
      failure_ = std::current_exception();
      failed_.notify();
    }
    if (failure_) {
      auto& loop = co_await this_loop();
      co_await loop.sleep_until(never);
    }
  }

  Task<> wait_for_failure() {
    while (!failure_) {
      co_await failed_.wait();
    }
    std::rethrow_exception(failure_);
  }

  /// What comes while there is nobody to hear it stays where it is.
  Task<> read_input() {
    auto& loop = co_await this_loop();
    for (;;) {
      while (room_.is_empty()) {
        co_await came_.wait();
      }
      co_await room_.wait_for_the_slow();
      co_await console_.input();
      if (room_.is_empty()) continue;
      const auto got = console_.read(loop.scratch());
      if (got.state == IoResult::State::eof) break;
      room_.say(0, Broadcast::Audience::all, loop.scratch().first(got.bytes));
    }
    room_.end();
    co_await loop.sleep_until(never);
  }

  Room room_;
  Console console_;
  bool whole_lines_;
  bool is_taken_ = false;
  std::exception_ptr failure_;
  Notification came_, free_, failed_;
};

}  // namespace

std::unique_ptr<Handler> make_stdio(EventLoop& loop, bool whole_lines) {
  return std::make_unique<Stdio>(loop, whole_lines);
}

}  // namespace sockx
