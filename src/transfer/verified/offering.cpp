#include "transfer/verified/offering.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <utility>

#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

Task<Offer> Offering::begin(Begun& begun, DigestKind digest) {
  const auto& entry = begun.entry;
  Offer offer{entry.id};
  if (options_.most && entry.size != unknown && entry.size > *options_.most)
    throw Incomplete(
        text("{} bytes are more than the {} that --max-size allows", entry.size, *options_.most));
  auto place = destination_.place(entry);
  struct stat there {};
  if (fstatat(place.folder, place.leaf.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) {
    if (Destination::is_same(entry, there)) {
      offer.state = Offer::State::all;
      ++tally_.files;
      ++tally_.files_there;
      tally_.resumed += entry.size;
      options_.tell({FileEvent::Kind::there, destination_.shown(entry), entry.size});
      if (is_resumable_entry(entry)) PartFile::clear(place);
      co_return offer;
    }
    if (S_ISDIR(there.st_mode))
      throw Error(EISDIR, text("open {}", destination_.shown(entry)), Origin::local_file);
    if (!options_.replaces) throw Incomplete("it exists; recv-file --force replaces it");
  }
  begun.digest = digest;
  if (is_resumable_entry(entry)) {
    begun.part = make_part(begun, std::move(place));
    co_await resume(begun, offer);
  }
  begun.is_offered = true;
  co_return offer;
}

std::unique_ptr<PartFile> Offering::make_part(const Begun& begun, Place place) const {
  const auto& entry = begun.entry;
  const FileFacts facts{entry.size, entry.seconds, entry.nanoseconds, entry.mode};
  return std::make_unique<PartFile>(std::move(place), destination_.shown(entry), facts, begun.digest,
                                    is_resumable_entry(entry));
}

void Offering::open(Begun& begun) {
  if (begun.part || begun.is_refused || !begun.is_offered) return;
  if (!files_.has_room(false))
    throw Corrupt(text("{}: too many files come at once", destination_.shown(begun.entry)));
  std::string reason;
  try {
    begun.part = make_part(begun, destination_.place(begun.entry));
  } catch (const Incomplete& error) {
    reason = error.what();
  } catch (const Error& error) {
    if (!is_of_one_file(error)) throw;
    reason = error.what();
  }
  if (!reason.empty()) files_.refuse(begun, reason);
}

Task<> Offering::resume(Begun& begun, Offer& offer) {
  const auto& entry = begun.entry;
  auto& part = *begun.part;
  tally_.phase = TransferTally::Phase::resuming;
  tally_.file = entry.name;
  co_await part.resume(work_);
  tally_.phase = TransferTally::Phase::moving;
  if (part.has_changed()) {
    offer.state = Offer::State::changed;
    options_.tell({FileEvent::Kind::changed, destination_.shown(entry)});
  }
  if (part.verified().bytes() == 0) co_return;
  offer.state = Offer::State::part;
  offer.have = part.verified().ranges();
  offer.samples = part.samples();
  if (offer.have.size() > most_ranges || files_.stretches() + offer.have.size() > most_stretches / 2) {
    part.restart();  // a map in so many pieces is not worth its message, nor what all may have
    offer = {entry.id};
    co_return;
  }
  tally_.resumed += begun.resumed = part.verified().bytes();
  options_.tell({FileEvent::Kind::resumed, destination_.shown(entry), begun.resumed});
}

}  // namespace sockx
