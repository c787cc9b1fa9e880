// broker: what a client says goes to all others, and what the operator says to all.
#include <new>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "flow/task_group.hpp"
#include "os/io_result.hpp"
#include "serve/console.hpp"
#include "serve/handler.hpp"
#include "serve/line_hold.hpp"
#include "serve/room.hpp"

namespace sockx {

namespace {

class Broker : public Handler {
 public:
  Broker(EventLoop& loop, BrokerOptions options) : room_(loop), options_(options), last_words_(loop) {
    if (options_.speaks) input_.emplace(loop);
  }

  Task<> serve(Client& client) override {
    Speaker speaker(*this, client);
    const auto failure = co_await outcome_of(converse(client, speaker));
    co_await speaker.end();
    if (failure) std::rethrow_exception(failure);
  }

  Task<> run() override {
    if (input_) {
      co_await speak();
    }
    co_await sleep_until(never);
  }

  void set_crowded(bool is_crowded) override { room_.set_crowded(is_crowded); }
  bool is_silent() override { return !input_ || has_spoken_ || input_->is_silent(); }

 private:
  /// What a client says. The rest of its last line waits for room as all else does: it is no task's that is
  /// dropped with the client.
  class Speaker : NonCopyable {
   public:
    Speaker(Broker& broker, Client& client)
        : broker_(broker),
          client_(client),
          lines_(broker.options_.whole_lines,
                 [this](std::span<const std::byte> bytes) { broker_.room_.say(client_.number, bytes); }) {}
    ~Speaker() {
      if (!lines_.is_holding()) return;
      client_.cut.note_caught_up(false);
      try {
        broker_.last_words_.spawn(broker_.say_when_there_is_room(client_.number, lines_.take()));
      } catch (const std::bad_alloc&) {  // there is no memory for it
      }
    }

    Task<> wait_for_room() { return broker_.room_.wait_for_room(client_.number); }
    void put(std::span<const std::byte> bytes) { lines_.put(bytes); }
    Task<> end() {
      if (!lines_.is_holding()) co_return;
      co_await wait_for_room();
      lines_.end();
    }

   private:
    Broker& broker_;
    Client& client_;
    LineHold lines_;
  };

  Task<> converse(Client& client, Speaker& speaker) {
    Room::Member member(room_, client);
    auto hearing = hear(client, speaker);
    co_await room_.converse(member, std::move(hearing));
  }

  Task<> hear(Client& client, Speaker& speaker) {
    auto& loop = co_await this_loop();
    for (bool goes_on = true; goes_on;) {
      co_await client.input();
      co_await speaker.wait_for_room();
      const auto got = client.receive(loop.scratch());
      speaker.put(loop.scratch().first(got.bytes));
      goes_on = got.state != IoResult::State::eof;
      if (got.bytes == loop.scratch().size()) {
        co_await loop.next_turn();
      }
    }
    co_await speaker.end();
  }

  /// Begins in the next turn: at the end of the server there is none.
  Task<> say_when_there_is_room(Broadcast::Participant speaker, std::vector<std::byte> bytes) {
    auto& loop = co_await this_loop();
    co_await loop.next_turn();
    co_await room_.wait_for_room(speaker);
    room_.say(speaker, bytes);
  }

  /// nohup(1) gives a standard input that cannot be read: then there is nothing to say.
  Task<> speak() {
    try {
      SayOptions saying{options_.whole_lines};
      co_await say_input(*input_, room_, std::move(saying));
    } catch (const Error& error) {
      if (error.number() != EBADF) throw;
    }
    has_spoken_ = true;
  }

  Room room_;
  BrokerOptions options_;
  std::optional<ConsoleInput> input_;
  bool has_spoken_ = false;
  TaskGroup last_words_;  // of clients that were dropped; goes first
};

}  // namespace

std::unique_ptr<Handler> make_broker(EventLoop& loop, BrokerOptions options) {
  return std::make_unique<Broker>(loop, options);
}

}  // namespace sockx
