#include "transfer/verified/receiving_session.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/idle_timeout.hpp"

namespace sockx {

namespace {

constexpr std::size_t most_incoming = 256;  // entries that have begun and not ended

}  // namespace

using namespace std::chrono_literals;

namespace {

constexpr Duration short_closing_time = 200ms;

}  // namespace

Task<> ReceivingSession::run() {
  auto watched = any(watch_for_idleness(options_.idle_timeout, last_byte_), transfer());
  auto in_time = with_deadline(std::move(watched), options_.deadline, "the deadline has passed");
  const auto failure = co_await outcome_of(std::move(in_time));
  if (failure) {
    co_await give_up(failure);
  }
  tally_.phase = TransferTally::Phase::finishing;
  co_await control_.close(after(closing_time));
}

Task<> ReceivingSession::transfer() {
  auto too_late = text("{}: does it send with {}?", not_greeted_within(control_, options_.greeting_time),
                       options_.names.verified);
  co_await with_deadline(receive_hello(), after(options_.greeting_time), std::move(too_late));
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
        text("{} asks for {} connections, and only one is possible here", control_.peer(), hello_.streams));
  tally_.phase = TransferTally::Phase::moving;
  if (!options_.refusal.empty()) throw Incomplete(options_.refusal);
  std::vector<Task<>> tasks;
  tasks.push_back(receive_messages());
  if (hello_.streams > 1) tasks.push_back(receive_over_others());
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
  auto time = closing_time;
  try {
    std::rethrow_exception(failure);
  } catch (const Corrupt& error) {
    abort = {Status::integrity_mismatch, error.what()};
  } catch (const Incomplete& error) {
    abort = {Status::incomplete, error.what()};
    thrown = tally_.broken_off("arrived", error);
  } catch (const TimedOut& error) {
    abort = {Status::timed_out, error.what()};
    if (tally_.phase != TransferTally::Phase::greeting) thrown = tally_.broken_off("arrived", error);
    time = short_closing_time;  // the time that the user allows has passed
  } catch (const Error& error) {
    abort = {Status::local_io, error.what()};
    if (error.origin() == Origin::peer) thrown = tally_.broken_off("arrived", error);
  } catch (const std::exception& error) {
    abort = {Status::incomplete, error.what()};
  }
  try {
    control_.drop_unsent();
    control_.put(abort);
    std::string unused;
    co_await with_deadline(tell_and_close(), after(time), std::move(unused));
  } catch (const std::exception&) {  // the sender is gone, or does not listen
  }
  std::rethrow_exception(thrown);
}

Task<> ReceivingSession::tell_and_close() {
  co_await control_.flush();
  if (tally_.phase == TransferTally::Phase::greeting) {
    co_await control_.reject(after(closing_time));
  } else {
    co_await control_.close(after(closing_time));
  }
}

/// A message that a sender does not send here: of a receiver, or a second Hello.
template <class Other>
Task<> ReceivingSession::handle(const Other&) {
  throw Corrupt(text("{} has sent a message that no sender sends", control_.peer()));
}

Task<> ReceivingSession::receive_messages() {
  hasher_.emplace(hello_.digest);
  for (;;) {
    const auto message = co_await control_.receive();
    if (std::holds_alternative<Finish>(message)) break;
    co_await std::visit([this](const auto& one) { return handle(one); }, message);
    co_await offer_waiting();
    if (!control_.has_waiting_input() || control_.unsent() > enough_answers) {
      co_await control_.flush();
    }
    if (budget().is_spent()) {
      co_await loop_.next_turn();
    }
  }
  if (!incoming_.empty())
    throw Corrupt(
        text("{} has finished in the middle of {}", control_.peer(), incoming_.begin()->second->entry.name));
  control_.put(Finish());
  co_await control_.flush();
}

Task<> ReceivingSession::handle(const Entry& entry) {
  if (entry.id != announced_++) throw Corrupt(text("{} reports a wrong number of files", control_.peer()));
  if (incoming_.size() >= most_incoming)
    throw Corrupt(text("{} has {} files begun at once", control_.peer(), incoming_.size()));
  if (options_.most_files && entry.id >= *options_.most_files)
    throw Incomplete(text("{} sends more than {}; {} allows more", control_.peer(),
                          counted(*options_.most_files, "file"), options_.names.max_files));
  if (entry.kind == EntryKind::link && hello_.version < version_with_links)
    throw Corrupt(text("{} sends a link, which this version of the protocol has not", control_.peer()));
  const auto incoming = std::make_shared<IncomingEntry>(IncomingEntry{entry});
  incoming_.emplace(entry.id, incoming);
  if (entry.kind == EntryKind::file) {
    waiting_.push_back(entry.id);
  } else if (entry.kind == EntryKind::directory) {
    co_await refuse_if_it_fails(*incoming, make_directory(*incoming));
  } else {
    co_await refuse_if_it_fails(*incoming, make_link(entry));
    incoming_.erase(entry.id);
  }
}

Task<> ReceivingSession::make_directory(IncomingEntry& incoming) {
  destination_.check_name(incoming.entry);
  incoming.is_new_directory = destination_.make_folder(incoming.entry);
  co_return;
}

Task<> ReceivingSession::make_link(const Entry& entry) {
  destination_.check_name(entry);
  if (destination_.make_link(entry))
    note_whole(entry, 0);
  else
    note_there(entry, 0);
  co_return;
}

Task<> ReceivingSession::handle(const Chunk& chunk) { co_await receive_chunk(control_, chunk, *hasher_); }

Task<> ReceivingSession::handle(const Restart& restart) {
  const auto incoming = find(restart.id);
  if (incoming->has_chunks)
    throw Corrupt(text("{}: it is restarted after its first chunk", shown(incoming->entry)));
  if (!incoming->part) co_return;
  tally_.resumed -= std::exchange(incoming->resumed, 0);
  incoming->part->restart();
  options_.tell({FileEvent::Kind::changed, shown(incoming->entry)});
}

Task<> ReceivingSession::handle(const End& end) {
  const auto incoming = find(end.id);
  if (incoming->entry.kind == EntryKind::directory && !incoming->is_refused) {
    destination_.finish_folder(incoming->entry, incoming->is_new_directory);
    control_.put(Done{end.id});
  } else if (!incoming->is_refused) {
    co_await end_file(*incoming, end);
  }
  if (incoming->set_aside) fail(*incoming, Status::integrity_mismatch, incoming->mismatch);
  incoming_.erase(end.id);
}

Task<> ReceivingSession::end_file(IncomingEntry& incoming, const End& end) {
  const auto& entry = incoming.entry;
  if (!incoming.is_offered) throw Corrupt(text("{}: it ends before the answer to its entry", shown(entry)));
  if (entry.size != unknown && end.size != entry.size)
    throw Corrupt(text("{}: {} bytes were announced, and {} sent", shown(entry), entry.size, end.size));
  const auto is_coming = [&] {  // over the other connections
    return !incoming.is_refused && (incoming.part ? incoming.part->verified().bytes() : 0) < end.data;
  };
  while (hello_.streams > 1 && is_coming()) {
    co_await changed_.wait();
  }
  co_await open(incoming);
  if (incoming.is_refused) co_return;
  const auto& verified = incoming.part->verified();
  if (verified.bytes() != end.data || verified.end() > end.size)
    throw Corrupt(text("{}: {} of {} have come", shown(entry), verified.bytes(), counted(end.data, "byte")));
  if (options_.most && end.size > *options_.most)
    refuse_as_too_long(incoming);
  else {
    co_await refuse_if_it_fails(incoming, complete(incoming, end));
  }
}

/// Gives the file its name.
Task<> ReceivingSession::complete(IncomingEntry& incoming, const End& end) {
  const auto part = std::move(incoming.part);  // nothing more goes into it
  incoming.is_closed = true;
  const bool is_named = co_await part->complete(end.size, options_.replaces, options_.sync, budget());
  if (!is_named) throw Incomplete(text("it exists now; use {} to replace it", options_.names.force));
  tally_.holes += end.size - end.data;
  note_whole(incoming.entry, end.size);
}

Task<> ReceivingSession::handle(const Cancel& cancel) {
  const auto incoming = find(cancel.id);
  const bool is_awaited = incoming->entry.kind == EntryKind::file && !incoming->is_refused;
  for (auto* const part : {incoming->part.get(), incoming->set_aside.get()})
    if (part != nullptr) part->discard();
  if (is_awaited || incoming->set_aside) fail(*incoming, Status::incomplete, cancel.reason);
  incoming_.erase(cancel.id);
  co_return;
}

Task<> ReceivingSession::handle(const Abort& abort) {
  throw Incomplete(text("{} has given up: {}", control_.peer(), abort.reason));
}

Task<> receive_verified(Connection connection, NextConnectionOf next, VerifiedReceiveOptions options,
                        TransferTally& tally) {
  ReceivingSession session(co_await this_loop(), std::move(connection), std::move(next), std::move(options),
                           tally);
  co_await session.run();
}

}  // namespace sockx
