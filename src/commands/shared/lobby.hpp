// Lobby: further connections of verified transfers, on their way to the sessions that they belong to.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "commands/shared/meeting.hpp"
#include "flow/notification.hpp"
#include "flow/task_group.hpp"
#include "transfer/verified/receiver.hpp"

namespace sockx {

/// Where connections of all sessions wait until theirs takes them, which is by the Hello that they begin
/// with. One that nobody takes in time is dropped, with a line in the log.
class Lobby {
 public:
  Lobby(EventLoop& loop, Context& context) : context_(context), changed_(loop) {}

  /// Returns true when `connection` was a further one of some session, and has been taken or dropped; false,
  /// and leaves it as it is, when it begins a session or has not greeted within 10 s.
  Task<bool> takes(Connection& connection);
  /// The next one of `session`.
  Task<PeerSocket> next(SessionId session);

 private:
  struct Guest {
    SessionId session;
    Connection connection;
    bool is_taken = false;
  };
  Context& context_;
  Notification changed_;
  std::list<Guest> guests_;
};

/// How one session comes by its connections, whichever side opens them. While it listens, those of others do
/// not keep it from its own: they are dropped, with a line in the log.
class LaneMeeting {
 public:
  LaneMeeting(EventLoop& loop, Context& context, ProgressBoard& board, const MeetingFlags& flags,
              std::vector<std::string> words, TimeLimits limits, Deadline deadline);

  /// The first, whatever it brings.
  Task<Connection> first();
  /// A further one.
  Task<PeerSocket> next(SessionId session);

 private:
  Task<> find(SessionId session, std::optional<PeerSocket>& found);
  Task<> accept_all();
  Task<> admit(Connection connection);

  Context& context_;
  bool listens_;
  Meeting meeting_;
  Lobby lobby_;
  TaskGroup admissions_;  // goes first
};

}  // namespace sockx
