// Room: clients that are told the same things, each as fast as it takes them.
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

/// Joins clients to a Broadcast. What is said within one turn of the loop goes out to each of them in one
/// call, in the next turn. A member that has lost its place in the log is cut off by a reset: it must not
/// take what it has got for the whole.
///
/// Nobody waits for a member that does not read, and no member is cut off that reads: before something is
/// said, has_room() tells whether there is room for it. It is false
///  - while all members that it is for are more than half of the log behind: the fastest sets the pace;
///  - while some member is that far behind, for 1 s and some turns of the loop: it may have paused. Of this
///    patience a tenth of the time in which nobody waits comes back;
///  - once the patience is used up, when as much as a slow member has to take in a slice of time has been
///    said in this one.
/// So a member has 0.2 s for the half of the log at the least, and the others are held up below that rate for
/// no more than a tenth of the time. A member that takes nothing for 5 s while somebody waits is cut off too.
class Room {
 public:
  using Participant = Broadcast::Participant;

  explicit Room(EventLoop& loop);

  /// A client's place in the log, from what is said next on.
  class Member : NonCopyable {
   public:
    Member(Room& room, Client& client);
    ~Member();
    /// It gets what has been said up to now, and its end.
    void leave();
    /// Bytes for this member alone, after what has been said up to now. Once has_answer() is false, so that
    /// it can ask no faster than it takes the answers.
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
    bool is_told_ = false;    // everything, or it has gone: it is in no list any more
    bool is_asleep_ = false;
    std::list<Member*>::iterator place_;
    Notification answered_;
  };

  /// `hear`, and beside it telling the member what is due to it, until the conversation is over: `until` is
  /// as for relay(), where the end of the room is the local end. Telling ends with FIN. A connection that
  /// breaks after its client's own end was left by it, and is no failure. Where our end decides, the client
  /// may still be sending.
  Task<> converse(Member& member, Task<> hear, Until until = Until::both);

  /// To all members but one (0: to all).
  void say(Participant except, std::span<const std::byte> bytes);
  /// Nothing more is said, also to those that come later.
  void end();
  bool has_ended() const { return has_ended_; }

  /// Whether something may be said now to all members but one (0: to all); see above.
  bool has_room(Participant except) { return held_until(except) <= loop_.now(); }
  Task<> wait_for_room(Participant except);

  /// Whether there is nobody to hear what is said.
  bool is_empty() const { return awake_.empty() && asleep_.empty(); }
  Task<> wait_for_member();

  /// While this is set, somebody waits for a place: a member that has ended its half and has got everything
  /// leaves, once nothing has been said for 1 s. Such a member may have closed its connection long ago.
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
  Duration patience_;        // that was left when nobody was held any more
  Clock::time_point patience_since_, patience_end_{};
  std::uint64_t turns_end_ = 0;  // of the loop: EventLoop::waits()
  bool has_ended_ = false, is_crowded_ = false;
  Notification news_, moved_, came_;
};

}  // namespace sockx
