#include "transfer/verified/begun_files.hpp"

#include <utility>

#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

constexpr std::size_t most_begun = 256;  // entries that have begun and not ended

}  // namespace

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
  if (part && part->verified().overlaps(range))
    throw Corrupt(
        text("{}: the {} bytes at {} came before", destination_.shown(entry), range.length, range.offset));
  if (stretches() > most_stretches)
    throw Corrupt(text("{} comes in more than {} pieces", destination_.shown(entry), most_stretches));
}

void BegunFiles::refuse(Begun& begun, const std::string& reason) {
  fail<Incomplete>(begun, reason);
  stop(begun, {begun.entry.id, Offer::State::unwanted, told_status::incomplete, reason});
}

void BegunFiles::refuse_as_too_long(Begun& begun) {
  refuse(begun, text("it is longer than the {} that --max-size allows", counted(*options_.most, "byte")));
}

void BegunFiles::set_aside(Begun& begun, const std::string& mismatch) {
  begun.mismatch = mismatch;
  begun.set_aside = std::move(begun.part);
  stop(begun, {begun.entry.id, Offer::State::unwanted, told_status::mismatch, mismatch});
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
