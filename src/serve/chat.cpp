// chat: each line goes to everybody, with the time and who said it.
#include <ctime>
#include <map>
#include <set>

#include "flow/task_group.hpp"
#include "os/text.hpp"
#include "serve/chat_lines.hpp"
#include "serve/console.hpp"
#include "serve/handler.hpp"
#include "serve/room.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

using Audience = Broadcast::Audience;

constexpr std::size_t bytes_in_a_row =
    4096;  // of one client: the shortest lines are told as many times longer
constexpr std::size_t longest_name = 32;
constexpr std::size_t most_listed = 1000;
constexpr Broadcast::Party the_operator = 0;
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
  explicit Chat(EventLoop& loop) : room_(loop), console_(loop) { enter(the_operator, "operator"); }

  Task<> serve(Client& client) override {
    Room::Member member(room_, client);
    Guest guest(*this, client);
    auto hearing = hear(client, member, guest);
    co_await room_.converse(member, std::move(hearing));
    co_await client.finish();
  }

  Task<> attend() override {
    std::vector<Task<>> tasks;
    tasks.push_back(operate());
    tasks.push_back(show());
    tasks.push_back(console_.wait_for_reader_to_leave());
    co_await any(std::move(tasks));
  }

 private:
  /// A client between its joining and its leaving, which everybody is told of.
  class Guest {
   public:
    Guest(Chat& chat, const Client& client) : chat_(chat), number_(client.number) {
      const auto name = printable(client.name());
      chat_.enter(number_, chat_.names_.contains(name) ? text("{}#{}", name, number_) : name);
      chat_.tell(Audience::all, number_, text("{} has joined", chat_.name_of(number_)));
    }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;
    ~Guest() { leave(); }

    void leave() {
      if (!chat_.people_.contains(number_)) return;
      chat_.tell(Audience::all, number_, text("{} has left", chat_.name_of(number_)));
      chat_.names_.erase(chat_.name_of(number_));
      chat_.people_.erase(number_);
    }

   private:
    Chat& chat_;
    std::uint64_t number_;
  };

  Task<> hear(Client& client, Room::Member& member, Guest& guest) {
    auto& loop = co_await this_loop();
    ChatLines lines;
    for (bool goes_on = true; goes_on;) {
      while (room_.is_full_for_now()) {
        co_await loop.next_turn();
      }
      co_await client.input();
      const auto buffer = loop.scratch().first(bytes_in_a_row);
      const auto got = client.receive(buffer);
      goes_on = take_lines(lines, got, buffer, client.number);
      if (got.bytes == buffer.size()) {
        co_await loop.next_turn();
      }
    }
    guest.leave();
    member.leave();
  }

  /// The operator's part, until he quits. Then the clients get what is due to them, and their end.
  Task<> operate() {
    auto& loop = co_await this_loop();
    ChatLines lines;
    for (bool goes_on = true; goes_on;) {
      while (room_.is_full_for_now()) {
        co_await loop.next_turn();
      }
      co_await console_.input();
      const auto buffer = loop.scratch().first(bytes_in_a_row);
      goes_on = take_lines(lines, console_.read(buffer), buffer, the_operator);
    }
    room_.end();
    co_await loop.sleep_until(loop.now() + last_words_time);  // show() ends first, unless nobody reads
  }

  /// The chat on standard output. Where that is not read, it misses something rather than delay the others.
  Task<> show() {
    for (auto position = room_.log().begin();;) {
      if (position < room_.log().begin()) {
        const auto kept = room_.log().next_line(room_.log().begin());
        const auto gap = text("\n{} * {} were not shown\n", stamp_.now(), counted(kept - position, "byte"));
        position = kept;
        co_await console_.write(bytes_of(gap));
        continue;
      }
      const auto due = room_.log().due(position, the_operator);
      if (due.bytes > 0) {
        const auto piece = due.pieces().front();
        position = room_.log().after(position, the_operator, piece.size());
        co_await console_.write(piece);
        continue;
      }
      position = due.reaches;
      if (room_.has_ended()) co_return;
      co_await room_.wait_for_news();
    }
  }

  /// False when the speaker has left, by a word or by the end of what is read.
  bool take_lines(ChatLines& lines, const IoResult& got, std::span<const std::byte> buffer,
                  std::uint64_t speaker) {
    const bool is_end = got.state == IoResult::State::eof;
    lines.put(buffer.first(got.bytes));
    if (is_end) lines.end();
    while (const auto line = lines.take())
      if (!take_line(*line, speaker)) return false;
    return !is_end;
  }

  bool take_line(const ChatLines::Line& line, std::uint64_t speaker) {
    const auto& words = line.text;
    if (!line.is_whole || !is_command(words)) {
      say(speaker, words);
    } else if (words == "quit" || words == "/quit") {
      return false;
    } else if (words == "/who") {
      list_people(speaker);
    } else if (words.starts_with("/nick ")) {
      rename(speaker, std::string(words.substr(6)));
    } else {
      tell(Audience::author, speaker,
           text("{}: no such command; there are /nick NAME, /who and quit", printable(words.substr(0, 64))));
    }
    return true;
  }

  static bool is_command(std::string_view words) { return words == "quit" || words.starts_with('/'); }

  void say(std::uint64_t speaker, std::string_view words) {
    line_.assign(stamp_.now()).append(" ").append(name_of(speaker)).append(": ");
    line_.append(printable(words)).append("\n");
    room_.say(speaker, Audience::all, bytes_of(line_));
  }

  /// A word of the chat's own. No name has a blank, so nobody can say such a line.
  void tell(Audience audience, std::uint64_t party, const std::string& words) {
    room_.say(party, audience, bytes_of(text("{} * {}\n", stamp_.now(), words)));
  }

  void list_people(std::uint64_t asker) {
    std::string list;
    std::size_t listed = 0;
    for (const auto& [number, name] : people_) {
      if (++listed > most_listed) break;
      list += (list.empty() ? "" : ", ") + name;
    }
    if (listed > most_listed) list += text(" and {} more", people_.size() - most_listed);
    tell(Audience::author, asker, text("{} here: {}", people_.size(), list));
  }

  void rename(std::uint64_t party, std::string name) {
    const auto refuse = [&](std::string_view reason) {
      tell(Audience::author, party, text("/nick {}: {}", printable(name.substr(0, 64)), reason));
    };
    if (name.empty() || name.size() > longest_name) return refuse("a name has 1 to 32 bytes");
    // Addresses have colons, and a name is followed by one.
    if (printable(name) != name || name.find_first_of(" :") != std::string::npos)
      return refuse("a name has no blanks, no colons and no control characters");
    if (names_.contains(name)) return refuse("somebody has this name");
    tell(Audience::all, party, text("{} is now {}", name_of(party), name));
    names_.erase(name_of(party));
    enter(party, std::move(name));
  }

  void enter(std::uint64_t party, std::string name) {
    names_.insert(name);
    people_[party] = std::move(name);
  }
  const std::string& name_of(std::uint64_t party) const { return people_.at(party); }

  Room room_;
  Console console_;
  Stamp stamp_;
  std::string line_;                             // that is being said
  std::map<std::uint64_t, std::string> people_;  // by their numbers
  std::set<std::string> names_;
};

}  // namespace

std::unique_ptr<Handler> make_chat(EventLoop& loop) { return std::make_unique<Chat>(loop); }

}  // namespace sockx
