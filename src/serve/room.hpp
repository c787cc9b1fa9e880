// Room: clients that are told the same things, each as fast as it takes them.
#pragma once

#include <list>
#include <optional>

#include "flow/notification.hpp"
#include "serve/broadcast.hpp"
#include "serve/client.hpp"

namespace sockx {

/// Joins clients to a Broadcast. What is said within one turn of the loop goes out to each of them in one
/// call, in the next. A member that has lost its place in the log is cut off, by a reset: it did not read,
/// and shall not take what it has got for the whole. Whoever may not lose members waits for the slow ones
/// before it says more.
class Room {
 public:
  using Party = Broadcast::Party;
  using Audience = Broadcast::Audience;

  explicit Room(EventLoop& loop) : loop_(loop), said_(loop), moved_(loop) {}

  /// A client's place in the log, from what is said next on.
  class Member {
   public:
    Member(Room& room, Client& client);
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member();
    /// It gets what has been said up to now, and its end.
    void leave();

   private:
    friend class Room;
    Room& room_;
    Client& client_;
    Broadcast::Position position_;
    std::optional<Broadcast::Position> last_;
    bool has_ended_ = false;  // its own half
    std::list<Member*>::iterator place_;
  };

  /// `hear` beside telling the member what is due to it, until both have ended: telling ends with FIN once
  /// the member has left or the room has ended. A connection that breaks after its client's own end was left
  /// by it, and is no failure.
  Task<> converse(Member& member, Task<> hear);

  /// Author 0 is nobody among the members.
  void say(Party author, Audience audience, std::span<const std::byte> bytes);
  /// Nothing more is said, also to those that come later.
  void end();
  bool has_ended() const { return has_ended_; }
  bool is_empty() const { return members_.empty(); }
  /// Whenever a member's connection is closed from now on, that is a reset.
  void cut_off_all() const;

  /// Until no member is more than half the log behind. One that has taken nothing for 5 s while somebody
  /// waits here is cut off.
  Task<> wait_for_the_slow();
  /// Whether so much has been said within this turn of the loop that the members should be told first.
  bool is_full_for_now() const;

  const Broadcast& log() const { return log_; }
  /// Until something has been said, or the end has come, since the turn in which this is called.
  Task<> wait_for_news();

 private:
  enum class Told { everything, the_end, what_fits };

  Task<> hear_out(Member& member, Task<> hear);
  Task<> tell(Member& member);
  Told deliver(Member& member);
  void note_move(Broadcast::Position before, Broadcast::Position now);
  bool is_far_behind(Broadcast::Position position) const;
  bool somebody_is_slow();
  void find_slowest();
  void begin_turn();
  bool was_fed_in_this_turn() const { return turn_ == loop_.waits(); }
  [[noreturn]] void cut_off(Member& member) const;

  EventLoop& loop_;
  Broadcast log_;
  std::list<Member*> members_;
  Broadcast::Position slowest_ = 0;  // no member is before this, but those that are to be cut off
  std::uint64_t turn_ = 0;           // of the loop, in which something was said last
  Broadcast::Position turn_begin_ = 0;
  std::size_t waiting_ = 0;  // for the slow
  bool has_ended_ = false;
  Notification said_, moved_;
};

}  // namespace sockx
