// ReceivingLanes: the connections of a session beside its first, which bring chunks and nothing else.
#pragma once

#include <functional>
#include <set>

#include "flow/task_group.hpp"
#include "transfer/verified/channel.hpp"
#include "transfer/verified/chunk_intake.hpp"

namespace sockx {

/// Dropping it ends them all.
class ReceivingLanes {
 public:
  /// All that is referred to is to outlive this.
  ReceivingLanes(EventLoop& loop, const Hello& hello, BegunFiles& files, ChunkIntake& intake,
                 Clock::time_point& last_byte, Duration greeting_time)
      : loop_(loop),
        hello_(hello),
        files_(files),
        intake_(intake),
        last_byte_(last_byte),
        greeting_time_(greeting_time),
        group_(loop) {}

  /// Takes as many as the session's Hello says from `next`, which is dropped when all are there, and what
  /// they bring. They never end before the session does: this only throws.
  Task<> run(NextLane next);
  /// Whether there are any.
  bool are_running() { return group_.running() > 0; }

 private:
  Task<> open(NextLane next);
  Task<> take(Connection connection);
  Task<> greet(Channel& channel);

  EventLoop& loop_;
  const Hello& hello_;
  BegunFiles& files_;
  ChunkIntake& intake_;
  Clock::time_point& last_byte_;
  Duration greeting_time_;
  std::set<std::uint16_t> numbers_{0};  // of the connections that are there
  TaskGroup group_;                     // goes first
};

}  // namespace sockx
