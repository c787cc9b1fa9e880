#include "transfer/verified/sending_session.hpp"

#include <sys/random.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/idle_timeout.hpp"
#include "os/calls.hpp"

namespace sockx {

namespace {

bool has_changed(const AnnouncedEntry& file) {
  struct stat now {};
  return stat(file.path.c_str(), &now) == 0 && S_ISREG(now.st_mode) &&
         (static_cast<std::uint64_t>(now.st_size) != file.size || now.st_mtim.tv_sec != file.time.tv_sec ||
          now.st_mtim.tv_nsec != file.time.tv_nsec);
}

}  // namespace

using namespace std::chrono_literals;

namespace {

constexpr Duration counting_time = 3s;  // of what a receiver waits for the greeting

SessionId new_session_id() {
  SessionId id;
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) throw_errno("getrandom");
  return id;
}

}  // namespace

SendingSession::SendingSession(EventLoop& loop, Connection connection, NextConnection next,
                               VerifiedSendOptions options, TransferTally& tally)
    : loop_(loop),
      options_(std::move(options)),
      tally_(tally),
      next_(std::move(next)),
      answered_(loop),
      counting_(loop) {
  if (options_.rate) rate_.emplace(*options_.rate);
  hello_.digest = options_.digest;
  hello_.streams = static_cast<std::uint16_t>(options_.streams);
  hello_.session = new_session_id();
  add_lane(std::move(connection));
}

Task<> SendingSession::run() {
  auto watching = watch_for_idleness(options_.idle_timeout, last_byte_, [this] { return unacknowledged(); });
  std::exception_ptr failure;
  try {
    co_await any(std::move(watching), transfer());
  } catch (const Abort& abort) {
    throw_abort(abort);
  } catch (const TimedOut& reason) {
    if (!is_greeted_) throw;
    std::rethrow_exception(tally_.broken_off("were sent", reason));
  } catch (const Error& reason) {
    if (reason.origin() != Origin::peer || !is_greeted_) throw;
    failure = tally_.broken_off("were sent", reason);
  } catch (const TlsError&) {
    if (!is_greeted_) throw;
    failure = std::current_exception();
  } catch (const Incomplete&) {
    failure = std::current_exception();
  }
  if (failure) {
    co_await throw_reason(failure);
  }
}

Task<> SendingSession::transfer() {
  // Both ends are to know what is to come. Counting that takes long goes on beside the transfer, and then
  // only this end knows.
  counting_.spawn(count());
  co_await counting_.next_end(after(counting_time));
  // A receiver of the first version does without links, and so does a transfer that has none.
  if (!totals_ || totals_->has_links) hello_.version = version_with_links;
  if (totals_ && totals_->has_sizes) {
    hello_.files = totals_->files;
    hello_.bytes = totals_->bytes;
  }
  co_await greet(lanes_.front());
  is_greeted_ = true;
  co_await any(open_lanes(), receive_abort());
  co_await all(receive_answers(), send_everything());
  tally_.phase = TransferTally::Phase::finishing;
  co_await control().close(after(closing_time));
}

Task<> SendingSession::count() {
  const auto totals = co_await count_sources(options_.paths, budget());
  totals_ = totals;
  if (!totals.has_sizes) co_return;
  tally_.files_total = totals.files;
  tally_.bytes_total = totals.bytes;
}

/// A connection may end because the receiver has given up, which it says on the first one. Throws that
/// reason, or else the failure.
Task<> SendingSession::throw_reason(std::exception_ptr failure) {
  try {
    std::string unused;
    co_await with_deadline(receive_abort(), after(closing_time), std::move(unused));
  } catch (const Abort& abort) {
    throw_abort(abort);
  } catch (const std::exception&) {  // it has said nothing
  }
  std::rethrow_exception(failure);
}

Task<> SendingSession::receive_abort() {
  for (;;) {
    const auto message = co_await control().receive();
    if (const auto* const abort = std::get_if<Abort>(&message)) throw *abort;
  }
}

void SendingSession::throw_abort(const Abort& abort) {
  std::rethrow_exception(
      failure_of(abort.status, text("{} has given up: {}", control().peer(), abort.reason)));
}

/// Until the receiver has finished.
Task<> SendingSession::receive_answers() {
  for (;;) {
    auto message = co_await control().receive();
    if (std::holds_alternative<Finish>(message) && has_sent_all_) break;
    if (const auto* const abort = std::get_if<Abort>(&message)) throw *abort;
    if (auto* const offer = std::get_if<Offer>(&message))
      handle(std::move(*offer));
    else if (const auto* const done = std::get_if<Done>(&message))
      handle(*done);
    else
      throw Corrupt(text("{} has sent a message that no receiver sends", control().peer()));
  }
  if (!unanswered_.empty())
    throw Corrupt(
        text("{} has finished without confirming {}", control().peer(), unanswered_.begin()->second.path));
}

/// The first message about a file, or the last about any entry. After the last one it is ignored.
void SendingSession::handle(Offer offer) {
  const auto found = unanswered_.find(offer.id);
  if (found == unanswered_.end()) return;
  auto& entry = found->second;
  if (entry.kind != EntryKind::file || entry.expects_last_word)
    settle(offer);
  else if (entry.offer)
    throw misfit(entry);
  else
    entry.offer = std::move(offer);
  answered_.notify();
}

void SendingSession::handle(const Done& done) {
  const auto found = unanswered_.find(done.id);
  if (found == unanswered_.end() ||
      (found->second.kind == EntryKind::file && !found->second.expects_last_word))
    throw Corrupt(text("{} has a file that was not sent", control().peer()));
  const auto entry = std::move(unanswered_.extract(found).mapped());
  answered_.notify();
  if (entry.kind == EntryKind::directory) return;  // only files are counted
  ++tally_.files;
  options_.tell({FileEvent::Kind::whole, entry.path, entry.size});
}

/// Ends an entry that the receiver does not need, or refuses. Throws Corrupt for another offer.
void SendingSession::settle(const Offer& offer) {
  const auto entry = std::move(unanswered_.extract(offer.id).mapped());
  if (offer.state == Offer::State::all) {
    ++tally_.files;
    ++tally_.files_there;
    tally_.resumed += entry.size;
    options_.tell({FileEvent::Kind::there, entry.path, entry.size});
  } else if (offer.state == Offer::State::unwanted) {
    // A file that changes between its digest and its bytes is no damage.
    const bool changed = offer.status == Status::integrity_mismatch && has_changed(entry);
    const auto what = text("{}: {} refuses it: {}", entry.path, control().peer(), offer.reason);
    fail(entry.path, changed ? changed_while_sent(entry.path) : failure_of(offer.status, what));
  } else {
    throw misfit(entry);
  }
}

Corrupt SendingSession::misfit(const AnnouncedEntry& entry) {
  return Corrupt(text("{} has sent a message that does not fit {}", control().peer(), entry.path));
}

/// Sends what is queued; if nothing is, waits for a message of the receiver. One may also arrive while
/// sending: the caller checks after each call.
Task<> SendingSession::send_or_wait() {
  if (control().unsent() > 0) {
    co_await control().flush();
  } else {
    co_await answered_.wait();
  }
}

Task<> SendingSession::wait_for_end_of(std::uint32_t id) {
  while (is_unanswered(id)) {
    co_await answered_.wait();
  }
}

/// The entry cannot be sent completely. Does nothing after the receiver's last message about it.
void SendingSession::fail(std::uint32_t id, std::exception_ptr failure) {
  const auto entry = unanswered_.extract(id);
  if (!entry.empty()) fail(entry.mapped().path, failure);
}

void SendingSession::fail(const std::string& path, std::exception_ptr failure) {
  ++tally_.files_failed;
  tell_failure(path, failure);
}

void SendingSession::tell_failure(const std::string& path, std::exception_ptr failure) {
  if (!tally_.first_failure) tally_.first_failure = failure;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    options_.tell({FileEvent::Kind::failed, path, 0, error.what()});
  }
}

std::exception_ptr SendingSession::changed_while_sent(const std::string& path) {
  return std::make_exception_ptr(Incomplete(text("{}: has changed while it was sent", path)));
}

Task<> send_verified(Connection connection, NextConnection next, VerifiedSendOptions options,
                     TransferTally& tally) {
  SendingSession session(co_await this_loop(), std::move(connection), std::move(next), std::move(options),
                         tally);
  co_await session.run();
}

}  // namespace sockx
