// chat: each line goes to everybody, with the time and who said it.
#include <ctime>
#include <map>
#include <new>
#include <set>

#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "flow/task_group.hpp"
#include "os/io_result.hpp"
#include "serve/chat_lines.hpp"
#include "serve/console.hpp"
#include "serve/handler.hpp"
#include "serve/room.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t bytes_in_a_row = 4096;  // of one client, before others have their turn
constexpr std::size_t longest_name = 32;
constexpr std::size_t most_listed = 1000;
constexpr Broadcast::Participant the_operator = 0;
constexpr Duration last_words_time = 5s;  // for who reads standard output, once the chat is over

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// The time of day in brackets, made anew when the second changes.
class Stamp {
 public:
  const std::string& now() {
    const auto second = std::time(nullptr);
    if (second == second_) return shown_;
    second_ = second;
    std::tm local{};
    localtime_r(&second, &local);
    shown_ = text("[{:02}:{:02}:{:02}]", local.tm_hour, local.tm_min, local.tm_sec);
    return shown_;
  }

 private:
  std::time_t second_ = -1;
  std::string shown_;
};

class Chat : public Handler {
 public:
  Chat(EventLoop& loop, std::function<void(const std::string&)> warn)
      : warn_(std::move(warn)), room_(loop), console_(loop), answered_(loop), leaving_(loop) {
    enter(the_operator, "operator");
  }

  Task<> serve(Client& client) override {
    co_await room_.wait_for_room(0);
    Guest guest(*this, client);
    const auto failure = co_await outcome_of(converse(client, guest));
    co_await guest.leave();
    if (failure) std::rethrow_exception(failure);
    co_await client.finish();
  }

  Task<> run() override { return any(operate(), show(), console_.run()); }

  bool is_silent() override { return console_.input().is_silent(); }

 private:
  /// A client of the chat. When it joins and leaves, all are told as soon as there is room.
  class Guest : NonCopyable {
   public:
    Guest(Chat& chat, const Client& client) : chat_(chat), number_(client.number) {
      const auto name = printable(client.name());
      chat_.enter(number_, chat_.names_.contains(name) ? text("{}#{}", name, number_) : name);
    }
    ~Guest() {
      if (!chat_.people_.contains(number_)) return;
      try {
        chat_.leaving_.spawn(chat_.say_goodbye(number_));
      } catch (const std::bad_alloc&) {  // there is no memory for it
      }
    }

    void join() const { chat_.tell(text("{} has joined", chat_.name_of(number_))); }
    Task<> leave() const {
      if (!chat_.people_.contains(number_)) co_return;
      co_await chat_.room_.wait_for_room(0);
      chat_.part_with(number_);
    }

   private:
    Chat& chat_;
    std::uint64_t number_;
  };

  Task<> converse(Client& client, Guest& guest) {
    Room::Member member(room_, client);
    guest.join();
    auto hearing = hear(client, member, guest);
    co_await room_.converse(member, std::move(hearing));
  }

  void part_with(std::uint64_t guest) {
    tell(text("{} has left", name_of(guest)));
    names_.erase(name_of(guest));
    people_.erase(guest);
  }

  /// For a guest that was dropped. Begins in the next turn: at the end of the server there is none.
  Task<> say_goodbye(std::uint64_t guest) {
    auto& loop = co_await this_loop();
    co_await loop.next_turn();
    co_await room_.wait_for_room(0);
    part_with(guest);
  }

  Task<> hear(Client& client, Room::Member& member, Guest& guest) {
    auto& loop = co_await this_loop();
    ChatLines lines;
    for (bool goes_on = true; goes_on;) {
      co_await client.input();
      const auto buffer = loop.scratch().first(bytes_in_a_row);
      const auto got = client.receive(buffer);
      put(lines, got, buffer);
      Row row(room_);
      for (bool has_line = true; has_line && goes_on;) {
        if (member.has_answer()) {
          co_await member.wait_until_answered();
        }
        co_await row.wait_for_turn();
        const auto taken = take_line(lines, client.number);
        if (!taken.answer.empty()) member.answer(taken.answer);
        has_line = taken.what == Taken::line;
        goes_on = taken.what != Taken::farewell;
      }
      goes_on = goes_on && got.state != IoResult::State::eof;
      if (got.bytes == buffer.size()) {
        co_await loop.next_turn();
      }
    }
    co_await guest.leave();
    member.leave();
  }

  /// The operator's input, until quit. Then the clients get what is due to them, and FIN.
  Task<> operate() {
    auto& loop = co_await this_loop();
    ChatLines lines;
    for (bool goes_on = true; goes_on;) {
      co_await console_.input().ready();
      const auto buffer = loop.scratch().first(bytes_in_a_row);
      const auto got = console_.input().read(buffer);
      put(lines, got, buffer);
      Row row(room_);
      for (bool has_line = true; has_line && goes_on;) {
        while (!answer_.empty()) {
          co_await answered_.wait();
        }
        co_await row.wait_for_turn();
        const auto taken = take_line(lines, the_operator);
        answer_ = taken.answer;
        answer_place_ = room_.log().end();
        room_.news().notify();
        has_line = taken.what == Taken::line;
        goes_on = taken.what != Taken::farewell;
      }
      if (goes_on && got.state == IoResult::State::eof) {
        goes_on = false;
        if (!console_.input().is_terminal()) warn_("standard input has ended: the chat is over");
      }
    }
    room_.end();
    co_await loop.sleep_until(loop.now() + last_words_time);  // show() ends first if its output is read
  }

  /// The chat on standard output. Where that is not read, it misses something rather than delay the others.
  Task<> show() {
    for (auto position = room_.log().begin();;) {
      if (position < room_.log().begin()) {
        const auto kept = room_.log().next_line(room_.log().begin());
        const auto gap = text("\n{} * {} were not shown\n", stamp_.now(), counted(kept - position, "byte"));
        position = kept;
        console_.put(bytes_of(gap));
      } else if (!answer_.empty() && position >= answer_place_) {
        console_.put(bytes_of(std::exchange(answer_, {})));
        answered_.notify();
      } else if (position < room_.log().end()) {
        const auto to = answer_.empty() ? room_.log().end() : answer_place_;
        const auto piece = room_.log().due(position, the_operator, to).pieces().front();
        position += piece.size();
        console_.put(piece);
      } else if (room_.has_ended()) {
        co_return;
      } else {
        co_await room_.news().wait();
      }
      co_await console_.flush();
    }
  }

  /// What one speaker says before others have their turn.
  class Row {
   public:
    explicit Row(Room& room) : room_(room), begin_(room.log().end()) {}
    Task<> wait_for_turn() {
      if (room_.log().end() - begin_ >= bytes_in_a_row) {
        auto& loop = co_await this_loop();
        co_await loop.next_turn();
        begin_ = room_.log().end();
      }
      if (!room_.has_room(0)) {
        co_await room_.wait_for_room(0);
        begin_ = room_.log().end();
      }
    }

   private:
    Room& room_;
    Broadcast::Position begin_;
  };

  static void put(ChatLines& lines, const IoResult& got, std::span<const std::byte> buffer) {
    lines.put(buffer.first(got.bytes));
    if (got.state == IoResult::State::eof) lines.end();
  }

  struct Taken {
    enum What { line, nothing, farewell } what;
    std::string answer = {};  // for the speaker alone
  };

  /// Takes the next line, if there is one, and does what it says.
  Taken take_line(ChatLines& lines, std::uint64_t speaker) {
    const auto next = lines.take();
    if (!next) return {Taken::nothing};
    const auto words = next->text;
    if (!next->is_whole || !is_command(words)) {
      say(speaker, words);
      return {Taken::line};
    }
    if (words == "quit" || words == "/quit") return {Taken::farewell};
    if (words == "/who") return {Taken::line, notice(people())};
    if (words.starts_with("/nick ")) return {Taken::line, rename(speaker, std::string(words.substr(6)))};
    return {Taken::line, notice(text("{}: no such command; there are /nick NAME, /who and quit",
                                     printable(words.substr(0, 64))))};
  }

  static bool is_command(std::string_view words) { return words == "quit" || words.starts_with('/'); }

  void say(std::uint64_t speaker, std::string_view words) {
    line_.assign(stamp_.now()).append(" ").append(name_of(speaker)).append(": ");
    line_.append(printable(words)).append("\n");
    room_.say(0, bytes_of(line_));
  }

  /// A line of the chat itself. No name has a blank, so no client can send such a line.
  std::string notice(const std::string& words) { return text("{} * {}\n", stamp_.now(), words); }
  void tell(const std::string& words) { room_.say(0, bytes_of(notice(words))); }

  std::string people() const {
    std::vector<std::string> listed;
    for (const auto& [participant, name] : people_)
      if (listed.size() < most_listed) listed.push_back(name);
    const auto more = people_.size() > most_listed ? text(" and {} more", people_.size() - most_listed) : "";
    return text("{} here: {}{}", people_.size(), joined(listed), more);
  }

  /// Returns why not, or nothing.
  std::string rename(std::uint64_t participant, std::string name) {
    const auto refusal = [&](std::string_view reason) {
      return notice(text("/nick {}: {}", printable(name.substr(0, 64)), reason));
    };
    if (name.empty() || name.size() > longest_name) return refusal("a name has 1 to 32 bytes");
    // Addresses have colons, and a name is followed by one.
    if (escaped(name) != name || name.find(':') != std::string::npos)
      return refusal("a name has no blanks, colons, backslashes, control characters or invisible characters");
    if (names_.contains(name)) return refusal("this name is in use");
    tell(text("{} is now {}", name_of(participant), name));
    names_.erase(name_of(participant));
    enter(participant, std::move(name));
    return {};
  }

  void enter(std::uint64_t participant, std::string name) {
    names_.insert(name);
    people_[participant] = std::move(name);
  }
  const std::string& name_of(std::uint64_t participant) const { return people_.at(participant); }

  std::function<void(const std::string&)> warn_;
  Room room_;
  Console console_;
  Stamp stamp_;
  std::string line_;                      // that is being said
  std::string answer_;                    // to the operator
  Broadcast::Position answer_place_ = 0;  // where it belongs in the log
  Notification answered_;
  std::map<std::uint64_t, std::string> people_;  // by their numbers
  std::set<std::string> names_;
  TaskGroup leaving_;  // guests that were dropped; goes first
};

}  // namespace

std::unique_ptr<Handler> make_chat(EventLoop& loop, std::function<void(const std::string&)> warn) {
  return std::make_unique<Chat>(loop, std::move(warn));
}

}  // namespace sockx
