// BegunFiles: what a sender has announced and not ended yet.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "flow/notification.hpp"
#include "transfer/verified/channel.hpp"
#include "transfer/verified/destination.hpp"
#include "transfer/verified/part_file.hpp"
#include "transfer/verified/receiver.hpp"

namespace sockx {

class Claim;

/// An entry that has begun.
struct Begun {
  Entry entry;
  /// What comes goes into a part: of a file that can be resumed from the offer on, of another from its first
  /// chunk on.
  std::unique_ptr<PartFile> part = {};
  DigestKind digest = DigestKind::xxh3_128;
  bool is_offered = false;  // the sender has been told what there is of it
  bool is_refused = false;
  std::string mismatch = {};                 // how what came differs from what was sent, if it does; then the
  std::unique_ptr<PartFile> set_aside = {};  // part waits for whether it was the sender's file that changed
  std::uint64_t resumed = 0;                 // bytes of an earlier transfer that are good still
  bool is_made = false;                      // a folder that was not there before
  bool has_chunks = false;                   // one has come, or begun to
  bool is_closed = false;                    // its end has come, and nothing is written any more
  std::set<const Claim*> claims = {};        // of the chunks that are coming
};

/// While a chunk is coming, its bytes are its own: no other connection may bring the same.
class Claim {
 public:
  /// `begun` is to outlive this.
  Claim(Begun& begun, const Range& range) : begun_(begun), range_(range) { begun_.claims.insert(this); }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() { begun_.claims.erase(this); }
  const Range& range() const { return range_; }

 private:
  Begun& begun_;
  Range range_;
};

/// Whether a part of it is worth to be kept for the next transfer.
bool is_resumable_entry(const Entry& entry);

/// Whether the others can go on.
bool is_of_one_file(const Error& error);

class BegunFiles {
 public:
  /// All that is referred to is to outlive this. Answers are put in line on `control`, and not flushed.
  BegunFiles(EventLoop& loop, Channel& control, const Destination& destination,
             const VerifiedReceiveOptions& options, TransferTally& tally)
      : control_(control), destination_(destination), options_(options), tally_(tally), changed_(loop) {}

  bool empty() const { return begun_.empty(); }
  /// Throws Corrupt for an entry that comes out of turn, or when there are too many that have not ended.
  void note_announced(const Entry& entry);
  /// What has been announced, and is to be received.
  void add(Begun begun);
  /// Whether it has been announced, and is not to be received any more.
  bool has_ended(std::uint32_t id) const { return id < announced_ && !begun_.contains(id); }
  /// Who holds it keeps it through its end. Throws Corrupt for one that has not begun.
  std::shared_ptr<Begun> find(std::uint32_t id) const;
  void end(std::uint32_t id) { begun_.erase(id); }
  /// One of them, for messages: its name. There must be one.
  const std::string& any_name() const { return begun_.begin()->second->entry.name; }

  /// Whether there is room for one more part of a file that can be resumed, or that cannot: each takes three
  /// descriptors, and others want to receive too.
  bool has_room(bool is_resumable) const;
  /// How many stretches that do not touch there are of all of them.
  std::size_t stretches() const;
  /// Throws Corrupt for a chunk that would write what has been verified, what another chunk is writing, or
  /// beyond the end.
  void check(const Begun& begun, const Range& range) const;

  /// The sender is told, and the user, that it is not wanted; nothing more of it is received.
  void refuse(Begun& begun, const std::string& reason);
  /// The same for one that is longer than is allowed. Of what came without a size only its bytes tell.
  void refuse_as_too_long(Begun& begun);
  /// What came is not what was sent. Whether it was the sender's file that changed shows later; nothing more
  /// of it is received.
  void set_aside(Begun& begun, const std::string& mismatch);
  /// The tally and the user are told, with Incomplete or Corrupt as the Failure.
  template <class Failure>
  void fail(const Begun& begun, const std::string& reason) {
    const auto what = describe(begun, reason);
    tell_of_failure(begun, what, std::make_exception_ptr(Failure(what)));
  }

  /// Notified when more of one of them is verified, or it is received no more.
  Notification& changed() { return changed_; }

 private:
  void stop(Begun& begun, const Offer& offer);
  std::string describe(const Begun& begun, const std::string& reason) const;
  void tell_of_failure(const Begun& begun, const std::string& what, std::exception_ptr failure);

  Channel& control_;
  const Destination& destination_;
  const VerifiedReceiveOptions& options_;
  TransferTally& tally_;
  Notification changed_;
  std::uint32_t announced_ = 0;  // entries
  std::map<std::uint32_t, std::shared_ptr<Begun>> begun_;
};

}  // namespace sockx
