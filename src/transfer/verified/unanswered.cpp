#include "transfer/verified/unanswered.hpp"

#include <sys/stat.h>

#include "os/text.hpp"

namespace sockx {

namespace {

bool has_changed(const Unanswered::Announced& file) {
  struct stat now {};
  return stat(file.path.c_str(), &now) == 0 && S_ISREG(now.st_mode) &&
         (static_cast<std::uint64_t>(now.st_size) != file.size || now.st_mtim.tv_sec != file.time.tv_sec ||
          now.st_mtim.tv_nsec != file.time.tv_nsec);
}

}  // namespace

std::exception_ptr changed_while_sent(const std::string& path) {
  return std::make_exception_ptr(Incomplete(text("{}: has changed while it was sent", path)));
}

Unanswered::Unanswered(EventLoop& loop, std::string receiver, std::function<void(const FileEvent&)> tell,
                       TransferTally& tally)
    : receiver_(std::move(receiver)), tell_(std::move(tell)), tally_(tally), answered_(loop) {}

void Unanswered::add(std::uint32_t id, Announced entry) { entries_.emplace(id, Entry{std::move(entry)}); }

void Unanswered::note_size(std::uint32_t id, std::uint64_t size) {
  const auto found = entries_.find(id);
  if (found != entries_.end()) found->second.size = size;
}

void Unanswered::take(Offer offer) {
  const auto found = entries_.find(offer.id);
  if (found == entries_.end()) return;
  auto& entry = found->second;
  if (entry.kind != EntryKind::file || entry.expects_last_word)
    settle(offer);
  else if (entry.offer)
    throw misfit(entry);
  else
    entry.offer = std::move(offer);
  answered_.notify();
}

void Unanswered::take(const Done& done) {
  const auto found = entries_.find(done.id);
  if (found == entries_.end() || (found->second.kind == EntryKind::file && !found->second.expects_last_word))
    throw Corrupt(text("{} has a file that was not sent", receiver_));
  const auto entry = std::move(entries_.extract(found).mapped());
  answered_.notify();
  if (entry.kind == EntryKind::directory) return;  // which is no file
  ++tally_.files;
  tell_({FileEvent::Kind::whole, entry.path, entry.size});
}

std::optional<Offer> Unanswered::first_word(std::uint32_t id) {
  auto& entry = entries_.at(id);
  entry.expects_last_word = entry.offer.has_value();
  return std::exchange(entry.offer, std::nullopt);
}

void Unanswered::settle(const Offer& offer) {
  const auto entry = std::move(entries_.extract(offer.id).mapped());
  if (offer.state == Offer::State::all) {
    ++tally_.files;
    ++tally_.files_there;
    tally_.resumed += entry.size;
    tell_({FileEvent::Kind::there, entry.path, entry.size});
  } else if (offer.state == Offer::State::unwanted) {
    const auto what = text("{}: {} does not take it: {}", entry.path, receiver_, offer.reason);
    // A file that changes between its digest and its bytes is no damage.
    const bool changed = offer.status == Status::integrity_mismatch && has_changed(entry);
    fail(entry.path, changed ? changed_while_sent(entry.path) : failure_of(offer.status, what));
  } else {
    throw misfit(entry);
  }
}

void Unanswered::fail(std::uint32_t id, std::exception_ptr failure) {
  const auto entry = entries_.extract(id);
  if (!entry.empty()) fail(entry.mapped().path, failure);
}

void Unanswered::fail(const std::string& path, std::exception_ptr failure) {
  ++tally_.files_failed;
  tell_failure(path, failure);
}

void Unanswered::leave_out(const std::string& path, const std::string& why) {
  ++tally_.files_left_out;
  tell_failure(path, std::make_exception_ptr(Incomplete(text("{} {}, and is not sent", path, why))));
}

void Unanswered::tell_failure(const std::string& path, std::exception_ptr failure) {
  if (!tally_.first_failure) tally_.first_failure = failure;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    tell_({FileEvent::Kind::failed, path, 0, error.what()});
  }
}

void Unanswered::check_end() const {
  if (!entries_.empty())
    throw Corrupt(text("{} has finished without a word on {}", receiver_, entries_.begin()->second.path));
}

Task<> Unanswered::send_or_wait(Channel& control) {
  if (control.unsent() > 0) {
    co_await control.flush();
  } else {
    co_await answered_.wait();
  }
}

Task<> Unanswered::wait_for_end_of(std::uint32_t id) {
  while (contains(id)) {
    co_await answered_.wait();
  }
}

Corrupt Unanswered::misfit(const Entry& entry) const {
  return Corrupt(text("{} says what does not go with {}", receiver_, entry.path));
}

}  // namespace sockx
