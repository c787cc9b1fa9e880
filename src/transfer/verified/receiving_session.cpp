#include "transfer/verified/receiving_session.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/pumping.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration time_to_close = 2s, short_time_to_close = 200ms;

}  // namespace

Task<> ReceivingSession::run() {
  std::vector<Task<>> tasks;
  if (options_.idle_timeout) tasks.push_back(watch_for_idleness(*options_.idle_timeout, last_byte_));
  tasks.push_back(transfer());
  std::exception_ptr failure;
  try {
    std::string too_late = "the deadline has passed";
    co_await bounded(any(std::move(tasks)), options_.deadline, std::move(too_late));
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    co_await give_up(failure);
  }
  tally_.phase = TransferTally::Phase::finishing;
  co_await control_.close(after(time_to_close));
}

Task<> ReceivingSession::transfer() {
  auto too_late = text("{}: does it send with {}?", not_greeted_within(control_, options_.greeting_time),
                       options_.names.verified);
  co_await bounded(receive_hello(), after(options_.greeting_time), std::move(too_late));
  tally_.hash = name_of(hello_.digest);
  if (hello_.streams == 1) {
    co_await options_.wants_no_more();
  }
  control_.put(Welcome{is_spoken(hello_.version) ? hello_.version : newest_version});
  co_await control_.flush();
  if (!is_spoken(hello_.version))
    throw Incomplete(text("{} speaks version {} of the protocol, and we speak {} to {}", control_.peer(),
                          hello_.version, oldest_version, newest_version));
  if (hello_.stream != 0)
    throw Corrupt(text("{} begins with its connection {}", control_.peer(), hello_.stream));
  if (hello_.files != unknown) tally_.files_total = hello_.files;
  if (hello_.bytes != unknown) tally_.bytes_total = hello_.bytes;
  if (hello_.streams > 1 && !next_)
    throw Incomplete(
        text("{} wants {} connections, and one is all that there is here", control_.peer(), hello_.streams));
  tally_.phase = TransferTally::Phase::moving;
  if (!options_.refusal.empty()) throw Incomplete(options_.refusal);
  std::vector<Task<>> tasks;
  tasks.push_back(receive_messages());
  if (hello_.streams > 1) tasks.push_back(run_lanes());
  co_await any(std::move(tasks));
}

Task<> ReceivingSession::receive_hello() {
  try {
    const auto first = co_await control_.receive();
    const auto* const hello = std::get_if<Hello>(&first);
    if (hello == nullptr) throw Corrupt(text("{} does not greet", control_.peer()));
    hello_ = *hello;
  } catch (const Corrupt& error) {
    throw Corrupt(text("{}; does it send with {}?", error.what(), options_.names.verified));
  }
}

/// Tells the sender why, waits a little until it has heard that, and throws.
Task<> ReceivingSession::give_up(std::exception_ptr failure) {
  Abort abort;
  std::exception_ptr thrown = failure;
  auto time = time_to_close;
  try {
    std::rethrow_exception(failure);
  } catch (const Corrupt& error) {
    abort = {Status::integrity_mismatch, error.what()};
  } catch (const Incomplete& error) {
    abort = {Status::incomplete, error.what()};
    thrown = broken_off(error);
  } catch (const TimedOut& error) {
    abort = {Status::timed_out, error.what()};
    if (tally_.phase != TransferTally::Phase::greeting) thrown = broken_off(error);
    time = short_time_to_close;  // the time that the user allows has passed
  } catch (const Error& error) {
    abort = {Status::local_io, error.what()};
    if (error.origin() == Origin::peer) thrown = broken_off(error);
  } catch (const std::exception& error) {
    abort = {Status::incomplete, error.what()};
  }
  try {
    control_.drop_unsent();
    control_.put(abort);
    std::string unused;
    co_await bounded(tell_and_close(), after(time), std::move(unused));
  } catch (const std::exception&) {  // the sender is gone, or does not listen
  }
  std::rethrow_exception(thrown);
}

Task<> ReceivingSession::tell_and_close() {
  co_await control_.flush();
  if (tally_.phase == TransferTally::Phase::greeting) {
    co_await control_.reject(after(time_to_close));
  } else {
    co_await control_.close(after(time_to_close));
  }
}

std::exception_ptr ReceivingSession::broken_off(const std::exception& reason) const {
  return std::make_exception_ptr(Incomplete(text("{} arrived: {}", tally_.bytes_in_words(), reason.what())));
}

Task<> receive_verified(Connection connection, NextLane next, VerifiedReceiveOptions options,
                        TransferTally& tally) {
  ReceivingSession session(co_await this_loop(), std::move(connection), std::move(next), std::move(options),
                           tally);
  co_await session.run();
}

}  // namespace sockx
