// FileSending: how one file is sent that has been announced.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "transfer/verified/sending_lanes.hpp"
#include "transfer/verified/source.hpp"
#include "transfer/verified/unanswered.hpp"

namespace sockx {

class FileSending {
 public:
  /// All of these outlive this; the tally is kept up to date.
  FileSending(EventLoop& loop, SendingLanes& lanes, Unanswered& unanswered,
              const std::function<void(const FileEvent&)>& tell, TransferTally& tally)
      : loop_(loop), lanes_(lanes), unanswered_(unanswered), tell_(tell), tally_(tally) {}

  /// Hears what the receiver has of the file, and sends the rest, or cancels it: what befalls the file itself
  /// does not keep the others. Throws as Channel does.
  Task<> send(std::uint32_t id, const SourceFile& source);

 private:
  struct Wanted {
    RangeSet there;             // what need not be sent
    bool is_restarted = false;  // the receiver has been told to forget what it had
  };
  Task<std::optional<Wanted>> ask(std::uint32_t id, const SourceFile& source);
  Task<bool> is_of(const SourceFile& source, const Offer& part);
  Task<> send_regular(std::uint32_t id, const SourceFile& source, const Wanted& wanted);
  Task<> send_stream(std::uint32_t id, const SourceFile& source);
  LongWork work() { return {loop_, lanes_.last_byte()}; }
  Task<> wait_for_input(Stream& input, std::uint32_t id);

  EventLoop& loop_;
  SendingLanes& lanes_;
  Unanswered& unanswered_;
  const std::function<void(const FileEvent&)>& tell_;
  TransferTally& tally_;
};

}  // namespace sockx
