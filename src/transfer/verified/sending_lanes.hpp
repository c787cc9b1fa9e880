// SendingLanes: the connections of a verified sender, and how the chunks of a file go over all of them.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <optional>

#include "flow/pumping.hpp"
#include "transfer/verified/lane.hpp"
#include "transfer/verified/sender.hpp"
#include "transfer/verified/source_walk.hpp"
#include "transfer/verified/unanswered.hpp"

namespace sockx {

class SendingLanes {
 public:
  /// `options` and `tally` outlive this, and the latter is kept up to date.
  SendingLanes(EventLoop& loop, Connection first, NextConnection next, const VerifiedSendOptions& options,
               TransferTally& tally);

  /// The one that everything but chunks goes over.
  Lane& first() { return lanes_.front(); }
  Channel& control() { return first().channel(); }
  /// Whether the session is of a version of the protocol that has links.
  bool takes_links() const { return hello_.version >= version_with_links; }
  /// When a byte has last come or gone on any of them, or from a source that is waited for.
  Clock::time_point& last_byte() { return last_byte_; }
  /// Bytes on any of them that the receiver has not acknowledged.
  std::uint64_t unacknowledged();

  /// Says what is about to come, if that is known (else there may be links in it), and hears the receiver's
  /// welcome. Throws TimedOut when it does not come in time; Corrupt, Incomplete or Abort when something else
  /// does.
  Task<> greet_first(const std::optional<SourceTotals>& totals);
  /// Comes by the other connections, and greets on them. Where we listen, anybody may have come in place of
  /// the receiver: who does not greet is dropped, for the next one. Else throws as greet_first() does.
  Task<> open_others();

  /// The first keeps chunks behind what has been said on it.
  enum class Use { first, all };
  /// Sends these stretches over the connections, each of which takes the next when it is done with one; no
  /// more of them when the receiver has spoken its last word on the file. Throws SourceChanged, and Error.
  Task<> send_chunks(std::uint32_t id, const SourceFile& source, std::deque<Range> chunks,
                     const Unanswered& unanswered, Use use);

 private:
  Lane& add(Connection connection);
  Task<> greet(Lane& lane);
  Task<> exchange_greetings(Channel& channel);
  struct Sending {
    std::uint32_t id;
    std::deque<Range> chunks;  // still to be sent
    const Unanswered& unanswered;
    std::exception_ptr failure = {};  // of the file
  };
  Task<> send_over(Lane& lane, const SourceFile& source, Sending& sending);

  EventLoop& loop_;
  const VerifiedSendOptions& options_;
  TransferTally& tally_;
  NextConnection next_;
  Hello hello_;
  std::optional<RateLimit> rate_;
  Clock::time_point last_byte_ = Clock::now();
  std::list<Lane> lanes_;
};

}  // namespace sockx
