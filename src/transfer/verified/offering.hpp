// Offering: what there is of a file that a sender announces, and the part that the rest goes into.
#pragma once

#include "transfer/verified/begun_files.hpp"

namespace sockx {

class Offering {
 public:
  /// All that is referred to is to outlive this.
  Offering(Destination& destination, BegunFiles& files, const VerifiedReceiveOptions& options,
           TransferTally& tally, LongWork work)
      : destination_(destination), files_(files), options_(options), tally_(tally), work_(work) {}

  /// Returns the answer to a file's entry. Unless the file is there already, it can be open()ed after that,
  /// and has a part if it can be resumed, with what is there of it. Throws Incomplete for one that is not
  /// wanted, Error with Origin::local_file.
  Task<Offer> begin(Begun& begun, DigestKind digest);
  /// A file that is offered and not refused has a part after this. Where that cannot be made, it is refused,
  /// or Error thrown when that befalls all files. Throws Corrupt when too many have parts.
  void open(Begun& begun);

 private:
  std::unique_ptr<PartFile> make_part(const Begun& begun, Place place) const;
  Task<> resume(Begun& begun, Offer& offer);

  Destination& destination_;
  BegunFiles& files_;
  const VerifiedReceiveOptions& options_;
  TransferTally& tally_;
  LongWork work_;
};

}  // namespace sockx
