// SendingSession: a verified transfer that is being sent, with all that it needs.
#pragma once

#include <sys/stat.h>

#include <ctime>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "flow/notification.hpp"
#include "flow/rate_limit.hpp"
#include "flow/task_group.hpp"
#include "flow/turn_budget.hpp"
#include "transfer/verified/lane.hpp"
#include "transfer/verified/sender.hpp"
#include "transfer/verified/source.hpp"
#include "transfer/verified/source_walk.hpp"

namespace sockx {

/// An entry that has been announced, until the receiver's last message about it.
struct AnnouncedEntry {
  std::string path;
  EntryKind kind = EntryKind::file;
  std::uint64_t size = 0;           // bytes
  timespec time{};                  // of the last modification
  std::optional<Offer> offer = {};  // the receiver's first answer about a file, until it is handled
  bool expects_last_word = false;
};

/// One object for the whole transfer. The comment above each group of functions names their file.
class SendingSession {
 public:
  SendingSession(EventLoop& loop, Connection connection, NextConnection next, VerifiedSendOptions options,
                 TransferTally& tally);

  /// Does what send_verified() promises.
  Task<> run();

 private:
  // sending_session.cpp: how it begins and ends.
  Task<> transfer();
  Task<> count();
  Task<> throw_reason(std::exception_ptr failure);
  Task<> receive_abort();
  [[noreturn]] void throw_abort(const Abort& abort);

  // sending_session.cpp: what the receiver says, and what has become of each entry.
  Task<> receive_answers();
  void handle(Offer offer);
  void handle(const Done& done);
  void settle(const Offer& offer);
  Corrupt misfit(const AnnouncedEntry& entry);
  static std::exception_ptr changed_while_sent(const std::string& path);
  Task<> send_or_wait();
  Task<> wait_for_end_of(std::uint32_t id);
  void fail(std::uint32_t id, std::exception_ptr failure);
  void fail(const std::string& path, std::exception_ptr failure);
  void tell_failure(const std::string& path, std::exception_ptr failure);

  // sending_entries.cpp: what the receiver is told of, in the order of the walk.
  Task<> send_everything();
  Task<> send_next();
  SourceWalk::Listener listener();
  void announce(const SourceStep& step);
  void announce_file(const SourceStep& step);
  void announce_link(const SourceStep& step);
  void announce(Entry entry, const std::string& path);
  void leave_out(const std::string& path, const std::string& why);

  // sending_files.cpp: the bytes of files, and the connections that they go over.
  struct Wanted;
  Task<> send_file(std::uint32_t id, const SourceFile& source);
  Task<std::optional<Wanted>> ask(std::uint32_t id, const SourceFile& source);
  Task<bool> has_samples(const SourceFile& source, const Offer& part);
  Task<> send_regular(std::uint32_t id, const SourceFile& source, const Wanted& wanted);
  Task<> send_stream(std::uint32_t id, const SourceFile& source);
  Task<> wait_for_input(Stream& input, std::uint32_t id);
  Lane& add_lane(Connection connection);
  Task<> open_lanes();
  Task<> greet(Lane& lane);
  Task<> exchange_greetings(Channel& channel);
  std::uint64_t unacknowledged();
  struct ChunkQueue;
  Task<> send_chunks(std::uint32_t id, const SourceFile& source, std::deque<Range> chunks,
                     bool over_first_lane_only);
  Task<> send_over(Lane& lane, const SourceFile& source, ChunkQueue& queue);

  TurnBudget budget() { return {loop_, last_byte_}; }
  Channel& control() { return lanes_.front().channel(); }
  bool is_unanswered(std::uint32_t id) const { return unanswered_.contains(id); }

  EventLoop& loop_;
  VerifiedSendOptions options_;
  TransferTally& tally_;
  NextConnection next_;
  Hello hello_;
  std::optional<RateLimit> rate_;
  Clock::time_point last_byte_ = Clock::now();  // on any connection, or of a source that is waited for
  std::list<Lane> lanes_;                       // everything but chunks goes over the first
  bool is_greeted_ = false, has_sent_all_ = false;
  std::uint32_t next_id_ = 0;
  /// What has been announced and comes next: a file, or (without a source) the end of a directory.
  struct Pending {
    std::uint32_t id;
    std::optional<SourceFile> source;
  };
  std::deque<Pending> pending_;
  std::vector<std::uint32_t> directories_;  // that have been entered
  std::unordered_map<std::uint32_t, AnnouncedEntry> unanswered_;
  Notification answered_;
  std::optional<SourceTotals> totals_;
  TaskGroup counting_;  // destroyed first
};

}  // namespace sockx
