// Lobby: further connections of verified transfers, on their way to the sessions that they belong to.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands/shared/meeting.hpp"
#include "flow/notification.hpp"
#include "flow/task_group.hpp"
#include "transfer/verified/receiver.hpp"

namespace sockx {

/// Where connections wait: each for its Hello, then further ones until the session takes them that they
/// belong to, and first ones for a place. So many transfers have a place as the limit of descriptors, and
/// memory, have room for. A connection that is not taken in time is dropped, with a line in the log. While
/// more wait than there is room for, those that have waited for 1 s give way, the oldest first: before all
/// others those that have not greeted, or belong to no session.
class Lobby {
 public:
  /// What one transfer may use, until it goes.
  class Place {
   public:
    Place(Lobby& lobby, std::size_t size);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

   private:
    Lobby& lobby_;
    std::size_t size_;
  };

  Lobby(EventLoop& loop, Context& context);

  /// Until not too many wait here, about 1 s at most: before the next connection is accepted.
  Task<> has_room();
  /// Nothing when `connection` has been taken, as a further one of some session, or is to be dropped, as it
  /// has not greeted within 10 s, or has given way. Else, which leaves it as it is, how many connections the
  /// transfer has that it begins: one, when it begins with something else.
  Task<std::optional<unsigned>> begins_transfer(Connection& connection);
  /// A place for a transfer with so many connections; null when none is free within 5 s, half of what a
  /// sender waits.
  Task<std::unique_ptr<Place>> place(unsigned streams);
  /// The next one of `session`.
  Task<Connection> next(SessionId session);

 private:
  struct Guest {
    SessionId session;
    Connection connection;
    bool is_taken = false;
  };
  class Visit;
  Task<> hear(Connection& connection, Deadline limit, std::optional<Hello>& hello) const;
  void send_oldest_away();

  Context& context_;
  Notification changed_;
  std::list<Guest> guests_;
  std::size_t most_visits_, visits_ = 0;    // connections that wait here
  std::list<Visit*> strangers_, admitted_;  // those that have no session, and those that wait for a place
  std::size_t room_, free_;                 // in descriptors, for transfers
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
  Task<Connection> next(SessionId session);

 private:
  Task<> find(SessionId session, std::optional<Connection>& found);
  Task<> accept_all();
  Task<> admit(Connection connection);

  Context& context_;
  bool listens_;
  Meeting meeting_;
  Lobby lobby_;
  TaskGroup admissions_;  // goes first
};

}  // namespace sockx
