#include "transfer/verified/sending_session.hpp"

#include <sys/random.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/calls.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration closing_time = 2s;
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
  std::vector<Task<>> tasks;
  if (options_.idle_timeout)
    tasks.push_back(
        watch_for_idleness(*options_.idle_timeout, last_byte_, [this] { return unacknowledged(); }));
  tasks.push_back(transfer());
  std::exception_ptr failure;
  try {
    co_await any(std::move(tasks));
  } catch (const Abort& abort) {
    throw_abort(abort);
  } catch (const TimedOut& reason) {
    if (!is_greeted_) throw;
    throw broken_off(reason);
  } catch (const Error& reason) {
    if (reason.origin() != Origin::peer || !is_greeted_) throw;
    failure = std::make_exception_ptr(broken_off(reason));
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
  std::vector<Task<>> opening;
  opening.push_back(open_lanes());
  opening.push_back(receive_abort());
  co_await any(std::move(opening));
  co_await all(receive_answers(), send_everything());
  tally_.phase = TransferTally::Phase::finishing;
  co_await control().close(after(closing_time));
}

Task<> SendingSession::count() {
  const auto totals = co_await count_sources(options_.paths, work());
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
    co_await bounded(receive_abort(), after(closing_time), std::move(unused));
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

Incomplete SendingSession::broken_off(const std::exception& reason) const {
  return Incomplete(text("{} were sent: {}", tally_.bytes_in_words(), reason.what()));
}

Task<> send_verified(Connection connection, NextConnection next, VerifiedSendOptions options,
                     TransferTally& tally) {
  SendingSession session(co_await this_loop(), std::move(connection), std::move(next), std::move(options),
                         tally);
  co_await session.run();
}

}  // namespace sockx
