// ReceivingSession: a verified transfer that is being received, with all that it needs.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "flow/notification.hpp"
#include "flow/task_group.hpp"
#include "flow/turn_budget.hpp"
#include "transfer/verified/channel.hpp"
#include "transfer/verified/destination.hpp"
#include "transfer/verified/part_file.hpp"
#include "transfer/verified/receiver.hpp"

namespace sockx {

/// A file or directory that the sender has announced and not ended.
struct IncomingEntry {
  Entry entry;
  /// Where chunks are written: made with the offer if the file can be resumed, else with its first chunk.
  std::unique_ptr<PartFile> part = {};
  bool is_offered = false;  // the sender has been told what is here already
  bool is_refused = false;
  bool is_new_directory = false;
  bool has_chunks = false;                   // the first one has come, or is coming
  bool is_closed = false;                    // its end has come: nothing more is written
  std::uint64_t resumed = 0;                 // bytes from an earlier transfer
  std::set<const Range*> arriving = {};      // what other chunks must not write
  std::string mismatch = {};                 // why a chunk is not what was sent; its part is then kept here,
  std::unique_ptr<PartFile> set_aside = {};  // until it is known whether the sender's file has changed
};

/// One object for the whole transfer. The comment above each group of functions names their file.
class ReceivingSession {
 public:
  ReceivingSession(EventLoop& loop, Connection connection, NextConnectionOf next,
                   VerifiedReceiveOptions options, TransferTally& tally)
      : loop_(loop),
        options_(std::move(options)),
        tally_(tally),
        next_(std::move(next)),
        destination_(options_),
        control_(loop, std::move(connection), last_byte_),
        changed_(loop) {}

  /// Does what receive_verified() promises.
  Task<> run();

 private:
  // receiving_session.cpp: how it begins and ends.
  Task<> transfer();
  Task<> receive_hello();
  Task<> give_up(std::exception_ptr failure);
  Task<> tell_and_close();

  // receiving_session.cpp: what the sender says on the first connection.
  Task<> receive_messages();
  Task<> handle(const Entry& entry);
  Task<> handle(const Chunk& chunk);
  Task<> handle(const Restart& restart);
  Task<> handle(const End& end);
  Task<> handle(const Cancel& cancel);
  Task<> handle(const Abort& abort);
  template <class Other>
  Task<> handle(const Other&);
  Task<> make_directory(IncomingEntry& incoming);
  Task<> make_link(const Entry& entry);
  Task<> end_file(IncomingEntry& incoming, const End& end);
  Task<> complete(IncomingEntry& incoming, const End& end);

  // receiving_files.cpp: the files that are announced: what is here of them, and why one is refused.
  std::shared_ptr<IncomingEntry> find(std::uint32_t id) const;
  bool has_ended(std::uint32_t id) const { return id < announced_ && !incoming_.contains(id); }
  bool has_room_for_part(bool of_resumable) const;
  std::size_t stretches() const;
  static constexpr std::size_t enough_answers = 64 * 1024;  // bytes to send, while there is more to answer
  Task<> offer_waiting();
  Task<> offer(IncomingEntry& incoming);
  Task<> resume(IncomingEntry& incoming, Offer& offer);
  Task<> make_part(IncomingEntry& incoming);
  Task<> open(IncomingEntry& incoming);
  void note_there(const Entry& entry, std::uint64_t bytes);
  void note_whole(const Entry& entry, std::uint64_t bytes);
  Task<> refuse_if_it_fails(IncomingEntry& incoming, Task<> work);
  void refuse(IncomingEntry& incoming, const std::string& reason);
  void refuse_as_too_long(IncomingEntry& incoming);
  void stop(IncomingEntry& incoming, Status status, const std::string& reason);
  void fail(const IncomingEntry& incoming, Status status, const std::string& reason);

  // receiving_chunks.cpp: bytes, over any of the connections.
  struct ArrivingChunk;
  Task<> receive_chunk(Channel& channel, Chunk chunk, Hasher& hasher);
  Task<> skip_chunk(Channel& channel, Chunk chunk);
  void check(const IncomingEntry& incoming, const Range& range) const;
  Task<> write(ArrivingChunk& chunk, std::span<const std::byte> piece);
  Task<> decompress(ArrivingChunk& chunk, std::uint64_t encoded_length);

  // receiving_connections.cpp: those besides the first.
  Task<> receive_over_others();
  Task<> take_other_connections(TaskGroup& receiving);
  Task<> receive_over(Connection connection);
  Task<> greet(Channel& channel);

  TurnBudget budget() { return {loop_, last_byte_}; }
  std::string shown(const Entry& entry) const { return destination_.shown(entry); }

  EventLoop& loop_;
  VerifiedReceiveOptions options_;
  TransferTally& tally_;
  NextConnectionOf next_;
  Destination destination_;
  Clock::time_point last_byte_ = Clock::now();  // on any connection
  Hello hello_;
  Channel control_;                     // the first connection
  std::optional<Hasher> hasher_;        // of its chunks
  std::set<std::uint16_t> streams_{0};  // the numbers of the connections that are here
  std::uint32_t announced_ = 0;         // entries
  std::map<std::uint32_t, std::shared_ptr<IncomingEntry>> incoming_;
  std::deque<std::uint32_t> waiting_;  // files that have not been offered
  Notification changed_;               // more of a file is verified, or it is refused
};

}  // namespace sockx
