// Files that the sender announces: what of them is here already, and why one is refused.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "transfer/verified/receiving_session.hpp"

namespace sockx {

namespace {

/// A part has three descriptors. That of a file that can be resumed is opened with the offer, which the
/// sender need not wait for; that of another file with its first chunk.
constexpr std::ptrdiff_t most_parts_offered = 3, most_parts_coming = 2;
constexpr auto other_descriptors = 4;  // the connection, the folder, that of the last file, and one to look
static_assert(3 * (most_parts_offered + most_parts_coming) + other_descriptors <=
              most_descriptors_of_session);

bool is_resumable(const Entry& entry) {
  constexpr std::uint64_t worth_resuming = 1024 * 1024;  // bytes: a smaller file is sent again
  return entry.size != unknown && entry.size > worth_resuming;
}

}  // namespace

/// Throws Corrupt for a file that has not begun. The entry lives as long as it is held, also after its end.
std::shared_ptr<IncomingEntry> ReceivingSession::find(std::uint32_t id) const {
  const auto found = incoming_.find(id);
  if (found == incoming_.end())
    throw Corrupt(text("{} speaks of a file that has not begun", control_.peer()));
  return found->second;
}

bool ReceivingSession::has_room_for_part(bool of_resumable) const {
  return std::ranges::count_if(incoming_, [&](const auto& numbered) {
           const auto& incoming = *numbered.second;
           return (incoming.part || incoming.set_aside) && is_resumable(incoming.entry) == of_resumable;
         }) < (of_resumable ? most_parts_offered : most_parts_coming);
}

/// The number of separate verified ranges in all files.
std::size_t ReceivingSession::stretches() const {
  std::size_t sum = 0;
  for (const auto& [id, incoming] : incoming_) sum += incoming->part ? incoming->part->verified().count() : 0;
  return sum;
}

/// Answers the announcements of files in their order, as far as there is room for parts. A sender that waits
/// for an answer gets it when it has sent what was answered before.
Task<> ReceivingSession::offer_waiting() {
  while (!waiting_.empty()) {
    const auto id = waiting_.front();
    if (has_ended(id)) {  // it has been cancelled
      waiting_.pop_front();
      continue;
    }
    const auto incoming = find(id);
    if (is_resumable(incoming->entry) && !has_room_for_part(true)) break;
    waiting_.pop_front();
    co_await refuse_if_it_fails(*incoming, offer(*incoming));
    if (!incoming->is_offered) incoming_.erase(id);
    if (control_.unsent() > enough_answers) {
      co_await control_.flush();
    }
  }
}

Task<> ReceivingSession::offer(IncomingEntry& incoming) {
  const auto& entry = incoming.entry;
  destination_.check_name(entry);
  if (options_.most && entry.size != unknown && entry.size > *options_.most)
    throw Incomplete(text("{} bytes are more than the {} that {} allows", entry.size, *options_.most,
                          options_.names.max_size));
  const auto place = destination_.place(entry);
  struct stat there {};
  if (fstatat(place.folder, place.leaf.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) {
    if (Destination::is_same(entry, there)) {
      note_there(entry, entry.size);
      if (is_resumable(entry)) PartFile::clear(place);
      co_return;
    }
    if (S_ISDIR(there.st_mode)) throw Error(EISDIR, text("open {}", shown(entry)), Origin::local_file);
    if (!options_.replaces) throw Incomplete(text("it exists; use {} to replace it", options_.names.force));
  }
  Offer offer{entry.id};
  if (is_resumable(entry)) {
    co_await make_part(incoming);
    co_await resume(incoming, offer);
  }
  incoming.is_offered = true;
  control_.put(offer);
}

Task<> ReceivingSession::resume(IncomingEntry& incoming, Offer& offer) {
  const auto& entry = incoming.entry;
  auto& part = *incoming.part;
  tally_.phase = TransferTally::Phase::resuming;
  tally_.file = entry.name;
  co_await part.resume(budget());
  tally_.phase = TransferTally::Phase::moving;
  if (part.has_changed()) {
    offer.state = Offer::State::changed;
    options_.tell({FileEvent::Kind::changed, shown(entry)});
  }
  if (part.verified().bytes() == 0) co_return;
  offer.state = Offer::State::part;
  offer.have = part.verified().ranges();
  offer.samples = part.samples();
  if (offer.have.size() > most_ranges || stretches() + offer.have.size() > most_stretches / 2) {
    part.restart();  // so many pieces are not worth their message, nor what all files together may have
    offer = {entry.id};
    co_return;
  }
  tally_.resumed += incoming.resumed = part.verified().bytes();
  options_.tell({FileEvent::Kind::resumed, shown(entry), incoming.resumed});
}

Task<> ReceivingSession::make_part(IncomingEntry& incoming) {
  const auto& entry = incoming.entry;
  const FileFacts facts{entry.size, entry.seconds, entry.nanoseconds, entry.mode};
  incoming.part = std::make_unique<PartFile>(destination_.place(entry), shown(entry), facts, hello_.digest,
                                             is_resumable(entry));
  co_return;
}

/// After this a file that has been offered has a part, or is refused.
Task<> ReceivingSession::open(IncomingEntry& incoming) {
  if (incoming.part || incoming.is_refused) co_return;
  if (!has_room_for_part(false))
    throw Corrupt(text("{}: too many files come at once", shown(incoming.entry)));
  co_await refuse_if_it_fails(incoming, make_part(incoming));
}

/// The sender and the user are told that the file is here, with this many bytes from earlier.
void ReceivingSession::note_there(const Entry& entry, std::uint64_t bytes) {
  ++tally_.files;
  ++tally_.files_there;
  tally_.resumed += bytes;
  options_.tell({FileEvent::Kind::there, shown(entry), bytes});
  control_.put(Offer{entry.id, Offer::State::all});
}

void ReceivingSession::note_whole(const Entry& entry, std::uint64_t bytes) {
  ++tally_.files;
  options_.tell({FileEvent::Kind::whole, shown(entry), bytes});
  control_.put(Done{entry.id});
}

/// Refuses the entry when `work` fails for a reason that does not concern the others.
Task<> ReceivingSession::refuse_if_it_fails(IncomingEntry& incoming, Task<> work) {
  try {
    co_await std::move(work);
  } catch (const Incomplete& error) {
    refuse(incoming, error.what());
  } catch (const Error& error) {
    if (error.origin() != Origin::local_file || is_shortage(error)) throw;
    refuse(incoming, error.what());
  }
}

/// The sender and the user are told; nothing more of it is received.
void ReceivingSession::refuse(IncomingEntry& incoming, const std::string& reason) {
  fail(incoming, Status::incomplete, reason);
  stop(incoming, Status::incomplete, reason);
}

/// For a file without a known size: too many bytes have arrived.
void ReceivingSession::refuse_as_too_long(IncomingEntry& incoming) {
  refuse(incoming, text("it is longer than the {} that {} allows", counted(*options_.most, "byte"),
                        options_.names.max_size));
}

void ReceivingSession::stop(IncomingEntry& incoming, Status status, const std::string& reason) {
  incoming.part.reset();
  incoming.is_refused = true;
  control_.put(Offer{incoming.entry.id, Offer::State::unwanted, status, reason});
  changed_.notify();
}

/// Reports the failure to the user, and counts it.
void ReceivingSession::fail(const IncomingEntry& incoming, Status status, const std::string& reason) {
  const auto name = shown(incoming.entry);
  const auto what = text("{}: {}", name, reason);
  ++tally_.files_failed;
  options_.tell({FileEvent::Kind::failed, name, 0, what});
  if (!tally_.first_failure) tally_.first_failure = failure_of(status, what);
}

}  // namespace sockx
