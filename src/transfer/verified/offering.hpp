// Offering: what there is of a file that a sender announces, and the part that the rest goes into.
#pragma once

#include "transfer/verified/begun_files.hpp"

namespace sockx {

class Offering {
 public:
  /// All that is referred to is to outlive this. `last_byte` is kept up to date while what is there is read.
  Offering(Destination& destination, const BegunFiles& files, const VerifiedReceiveOptions& options,
           TransferTally& tally, Clock::time_point& last_byte)
      : destination_(destination), files_(files), options_(options), tally_(tally), last_byte_(last_byte) {}

  /// Returns the answer to a file's entry. Unless the file is there already, it has a part after that, with
  /// what is there of it. Throws Incomplete for one that is not wanted, Error with Origin::local_file.
  Task<Offer> begin(Begun& begun, DigestKind digest);

 private:
  Task<> resume(Begun& begun, Offer& offer);

  Destination& destination_;
  const BegunFiles& files_;
  const VerifiedReceiveOptions& options_;
  TransferTally& tally_;
  Clock::time_point& last_byte_;
};

}  // namespace sockx
