// Room: sends the same bytes to several clients, to each as fast as it reads.
#pragma once

#include <list>
#include <optional>
#include <string>

#include "base/non_copyable.hpp"
#include "flow/notification.hpp"
#include "flow/relay.hpp"
#include "serve/broadcast.hpp"
#include "serve/client.hpp"

namespace sockx {

/// Joins clients to a Broadcast. All that is said within one turn of the loop is sent to each of them by one
/// call, in the next turn. A member that has lost its place in the log is reset, because it has missed bytes.
///
/// A member that does not read does not hold up the others, and a member that reads is not cut off: before
/// something is said, has_room() tells whether there is room for it. It is false
///  - while all members that it is for are more than half of the log behind: the fastest sets the pace;
///  - while some member is that far behind, for 1 s and some turns of the loop: it may have paused. This
///    time is limited: a tenth of the time without such a wait is given back;
///  - once that time is used up, when as much has been said in this slice of time as a slow member has to
///  take
///    in one.
/// So a member has at least 0.2 s for half of the log, and it holds up the others below that rate for at most
/// a tenth of the time. A member that takes nothing for 5 s while a speaker waits is cut off too.
class Room {
 public:
  using Participant = Broadcast::Participant;

  explicit Room(EventLoop& loop);

  /// A client's place in the log, from what is said next on.
  class Member : NonCopyable {
   public:
    Member(Room& room, Client& client);
    ~Member();
    /// It gets what has been said up to now, and FIN.
    void leave();
    /// Sends bytes to this member alone, after what has been said up to now. Call it when has_answer() is
    /// false, so that the member cannot ask faster than it reads the answers.
    void answer(std::string bytes);
    bool has_answer() const { return !answer_.empty(); }
    Task<> wait_until_answered();

   private:
    friend class Room;
    Room& room_;
    Client& client_;
    Broadcast::Position position_;
    std::string answer_;
    Broadcast::Position answer_place_ = 0;
    std::optional<Broadcast::Position> last_;
    bool has_ended_ = false;  // its own half
    bool is_told_ = false;    // everything, or it has left: it is in no list any more
    bool is_asleep_ = false;
    std::list<Member*>::iterator place_;
    Notification answered_;
  };

  /// Runs `hear` and sends the member what is due to it, until the conversation is over: `until` is as for
  /// relay(), where the end of the room is the local end. Sending ends with FIN. A connection that breaks
  /// after the client has ended its half is no failure. Where the local end decides, the client may still be
  /// sending.
  Task<> converse(Member& member, Task<> hear, Until until = Until::both);

  /// To all members except one (0: to all).
  void say(Participant except, std::span<const std::byte> bytes);
  /// Nothing more is said, also to members that join later.
  void end();
  bool has_ended() const { return has_ended_; }

  /// Whether something may be said now to all members except one (0: to all); see above.
  bool has_room(Participant except) { return held_until(except) <= loop_.now(); }
  Task<> wait_for_room(Participant except);

  /// Whether it has no member.
  bool is_empty() const { return awake_.empty() && asleep_.empty(); }
  Task<> wait_for_member();

  /// While this is set, a connection waits for a place: a member that has ended its half and has received
  /// everything leaves, once nothing has been said for 1 s. It may have closed its connection long ago.
  void set_crowded(bool is_crowded);

  const Broadcast& log() const { return log_; }
  /// Something has been said, or the end has come.
  Notification& news() { return news_; }

 private:
  enum class Told { everything, the_end, what_fits };
  struct Lead {
    Participant participant = 0;  // 0: there is none
    Broadcast::Position position = 0;
  };

  Task<> hear_out(Member& member, Task<> hear, Until until);
  Task<> tell(Member& member);
  Task<> tell_everything(Member& member);
  Told deliver(Member& member);
  Told deliver_log(Member& member, Broadcast::Position to);
  static Told deliver_answer(Member& member);
  Deadline held_until(Participant except);
  Deadline gives_way_at(const Member& member) const;
  Duration patience_left() const;
  void begin_patience();
  void end_patience();
  void note_move(Broadcast::Position before, Broadcast::Position now);
  bool is_far_behind(Broadcast::Position position) const;
  bool is_lost(const Member& member) const { return member.position_ < log_.begin(); }
  void look();
  void note_lead(const Member& member);
  void wake_all();
  void stop_telling(Member& member);
  [[noreturn]] void cut_off(Member& member) const;

  EventLoop& loop_;
  Broadcast log_;
  std::list<Member*> awake_, asleep_;  // those that sleep have everything
  // What look() has found. Positions only grow: until it looks again, these are not too high.
  Broadcast::Position slowest_ = 0;  // of those that have their place
  Lead fastest_, second_;
  bool has_changed_ = true;  // since it looked
  Clock::time_point slice_end_{}, said_at_{};
  Broadcast::Position slice_begin_ = 0;
  std::size_t waiting_ = 0;  // to say something
  std::size_t held_ = 0;     // those of them that wait for a slow member
  Duration patience_;        // that was left when the last wait for a slow member ended
  Clock::time_point patience_since_, patience_end_{};
  std::uint64_t turns_end_ = 0;  // of the loop: EventLoop::waits()
  bool has_ended_ = false, is_crowded_ = false;
  Notification news_, moved_, came_;
};

}  // namespace sockx
