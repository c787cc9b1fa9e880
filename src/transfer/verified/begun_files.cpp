#include "transfer/verified/begun_files.hpp"

#include <algorithm>
#include <utility>

#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

constexpr std::size_t most_begun = 256;  // entries that have begun and not ended
/// Each has three descriptors. Of a file that can be resumed there is a part when it is offered, so that the
/// sender need not wait for that; of another when it comes.
constexpr std::ptrdiff_t most_parts_offered = 3, most_parts_coming = 2;
constexpr auto descriptors_besides = 4;  // the connection, the folder, that of the last file, and one to look
static_assert(3 * (most_parts_offered + most_parts_coming) + descriptors_besides <=
              most_descriptors_of_session);

}  // namespace

bool is_resumable_entry(const Entry& entry) {
  constexpr std::uint64_t worth_resuming = 1024 * 1024;  // bytes: a smaller file is sent again
  return entry.size != unknown && entry.size > worth_resuming;
}

bool is_of_one_file(const Error& error) {
  return error.origin() == Origin::local_file && !is_shortage(error);
}

void BegunFiles::note_announced(const Entry& entry) {
  if (entry.id != announced_++) throw Corrupt(text("{} counts its files wrongly", control_.peer()));
  if (begun_.size() >= most_begun)
    throw Corrupt(text("{} has {} files begun at once", control_.peer(), begun_.size()));
}

void BegunFiles::add(Begun begun) {
  const auto id = begun.entry.id;
  begun_.emplace(id, std::make_shared<Begun>(std::move(begun)));
}

std::shared_ptr<Begun> BegunFiles::find(std::uint32_t id) const {
  const auto found = begun_.find(id);
  if (found == begun_.end()) throw Corrupt(text("{} speaks of a file that has not begun", control_.peer()));
  return found->second;
}

bool BegunFiles::has_room(bool is_resumable) const {
  return std::ranges::count_if(begun_, [&](const auto& numbered) {
           const auto& begun = *numbered.second;
           return (begun.part || begun.set_aside) && is_resumable_entry(begun.entry) == is_resumable;
         }) < (is_resumable ? most_parts_offered : most_parts_coming);
}

std::size_t BegunFiles::stretches() const {
  std::size_t sum = 0;
  for (const auto& [id, begun] : begun_) sum += begun->part ? begun->part->verified().count() : 0;
  return sum;
}

void BegunFiles::check(const Begun& begun, const Range& range) const {
  const auto& entry = begun.entry;
  const auto& part = begun.part;
  if (entry.kind == EntryKind::directory || range.end() > entry.size)
    throw Corrupt(text("{} has no {} bytes at {}", destination_.shown(entry), range.length, range.offset));
  if (entry.kind == EntryKind::file && !begun.is_offered)
    throw Corrupt(text("{}: it comes before the answer to its entry", destination_.shown(entry)));
  if (begun.is_closed) throw Corrupt(text("{}: bytes of it come behind its end", destination_.shown(entry)));
  if (part && part->verified().overlaps(range))
    throw Corrupt(
        text("{}: the {} bytes at {} came before", destination_.shown(entry), range.length, range.offset));
  if (std::ranges::any_of(begun.claims, [&](const Claim* claim) { return claim->range().overlaps(range); }))
    throw Corrupt(text("{}: the {} bytes at {} are coming on another connection", destination_.shown(entry),
                       range.length, range.offset));
  if (stretches() > most_stretches)
    throw Corrupt(text("{} comes in more than {} pieces", destination_.shown(entry), most_stretches));
}

void BegunFiles::refuse(Begun& begun, const std::string& reason) {
  fail<Incomplete>(begun, reason);
  stop(begun, {begun.entry.id, Offer::State::unwanted, Status::incomplete, reason});
}

void BegunFiles::refuse_as_too_long(Begun& begun) {
  refuse(begun, text("it is longer than the {} that --max-size allows", counted(*options_.most, "byte")));
}

void BegunFiles::set_aside(Begun& begun, const std::string& mismatch) {
  begun.mismatch = mismatch;
  begun.set_aside = std::move(begun.part);
  stop(begun, {begun.entry.id, Offer::State::unwanted, Status::integrity_mismatch, mismatch});
}

void BegunFiles::stop(Begun& begun, const Offer& offer) {
  begun.part.reset();
  begun.is_refused = true;
  control_.put(offer);
  changed_.notify();
}

std::string BegunFiles::describe(const Begun& begun, const std::string& reason) const {
  return text("{}: {}", destination_.shown(begun.entry), reason);
}

void BegunFiles::tell_of_failure(const Begun& begun, const std::string& what, std::exception_ptr failure) {
  ++tally_.files_failed;
  options_.tell({FileEvent::Kind::failed, destination_.shown(begun.entry), 0, what});
  if (!tally_.first_failure) tally_.first_failure = std::move(failure);
}

}  // namespace sockx
