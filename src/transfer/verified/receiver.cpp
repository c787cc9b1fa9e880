#include "transfer/verified/receiver.hpp"

#include <deque>
#include <utility>

#include "flow/pumping.hpp"
#include "flow/task_group.hpp"
#include "os/error.hpp"
#include "os/text.hpp"
#include "transfer/verified/begun_files.hpp"
#include "transfer/verified/channel.hpp"
#include "transfer/verified/chunk_intake.hpp"
#include "transfer/verified/destination.hpp"
#include "transfer/verified/offering.hpp"
#include "transfer/verified/receiving_lanes.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t enough_answers = 64 * 1024;  // bytes to send, while there is more to read
constexpr Duration time_to_part = 2s, time_to_part_in_haste = 200ms;

class ReceivingSession {
 public:
  ReceivingSession(EventLoop& loop, Connection connection, NextLane next, VerifiedReceiveOptions options,
                   TransferTally& tally)
      : loop_(loop),
        options_(std::move(options)),
        tally_(tally),
        next_(std::move(next)),
        destination_(options_.folder, options_.output),
        control_(loop, std::move(connection), last_byte_),
        files_(loop, control_, destination_, options_, tally),
        offering_(destination_, files_, options_, tally, work()),
        intake_(work(), control_, files_, offering_, options_, tally) {}

  Task<> run() {
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
    lanes_.reset();  // nothing more is taken, or answered
    if (failure) {
      co_await give_up(failure);
    }
    tally_.phase = TransferTally::Phase::finishing;
    co_await control_.part(after(time_to_part));
  }

 private:
  /// Tells the sender why, waits a little until it has heard it, and throws.
  Task<> give_up(std::exception_ptr failure) {
    Abort told;
    std::exception_ptr thrown = failure;
    auto time = time_to_part;
    try {
      std::rethrow_exception(failure);
    } catch (const Corrupt& error) {
      told = {Status::integrity_mismatch, error.what()};
    } catch (const Incomplete& error) {
      told = {Status::incomplete, error.what()};
      thrown = broken_off(error);
    } catch (const TimedOut& error) {
      told = {Status::timed_out, error.what()};
      if (tally_.phase != TransferTally::Phase::greeting) thrown = broken_off(error);
      time = time_to_part_in_haste;  // of which there is none left
    } catch (const Error& error) {
      told = {Status::local_io, error.what()};
      if (error.origin() == Origin::peer) thrown = broken_off(error);
    } catch (const std::exception& error) {
      told = {Status::incomplete, error.what()};
    }
    try {
      control_.drop_unsent();
      control_.put(told);
      std::string unused;
      co_await bounded(say_and_part(), after(time), std::move(unused));
    } catch (const std::exception&) {  // the sender is gone, or does not listen
    }
    std::rethrow_exception(thrown);
  }

  Task<> say_and_part() {
    co_await control_.flush();
    if (tally_.phase == TransferTally::Phase::greeting) {
      co_await control_.reject(after(time_to_part));
    } else {
      co_await control_.part(after(time_to_part));
    }
  }

  std::exception_ptr broken_off(const std::exception& reason) const {
    const auto of_all = tally_.bytes_total ? text(" of {}", *tally_.bytes_total) : "";
    return std::make_exception_ptr(
        Incomplete(text("{}{} bytes arrived: {}", tally_.bytes_done(), of_all, reason.what())));
  }

  Task<> transfer() {
    const double limit = std::chrono::duration<double>(options_.greeting_time).count();
    auto too_late =
        text("{} has not greeted within {:g} s: does it send with --verified?", control_.peer(), limit);
    co_await bounded(hear_greeting(), after(options_.greeting_time), std::move(too_late));
    tally_.hash = name_of(hello_.digest);
    if (hello_.streams == 1) next_ = {};
    control_.put(Welcome{is_spoken(hello_.version) ? hello_.version : newest_version});
    co_await control_.flush();
    check_version(hello_, control_);
    if (hello_.stream != 0)
      throw Corrupt(text("{} begins with its connection {}", control_.peer(), hello_.stream));
    if (hello_.files != unknown) tally_.files_total = hello_.files;
    if (hello_.bytes != unknown) tally_.bytes_total = hello_.bytes;
    if (hello_.streams > 1 && !next_)
      throw Incomplete(text("{} wants {} connections, and one is all that there is here", control_.peer(),
                            hello_.streams));
    tally_.phase = TransferTally::Phase::moving;
    if (!options_.refusal.empty()) throw Incomplete(options_.refusal);
    std::vector<Task<>> tasks;
    tasks.push_back(take_control());
    if (hello_.streams > 1) {
      lanes_.emplace(loop_, hello_, files_, intake_, last_byte_, options_.greeting_time);
      tasks.push_back(lanes_->run(std::exchange(next_, {})));
    }
    co_await any(std::move(tasks));
  }

  Task<> hear_greeting() {
    try {
      const auto first = co_await control_.receive();
      const auto* const hello = std::get_if<Hello>(&first);
      if (hello == nullptr) throw Corrupt(text("{} does not greet", control_.peer()));
      hello_ = *hello;
    } catch (const Corrupt& error) {
      throw Corrupt(text("{}; does it send with --verified?", error.what()));
    }
  }

  static void check_version(const Hello& hello, const Channel& channel) {
    if (!is_spoken(hello.version))
      throw Incomplete(text("{} speaks version {} of the protocol, and we speak {} to {}", channel.peer(),
                            hello.version, oldest_version, newest_version));
  }

  LongWork work() { return {loop_, last_byte_}; }

  /// Until the sender has finished.
  Task<> take_control() {
    Hasher hasher(hello_.digest);
    for (;;) {
      const auto message = co_await control_.receive();
      if (std::holds_alternative<Finish>(message)) break;
      co_await std::visit([&](const auto& one) { return take(one, hasher); }, message);
      co_await offer_waiting();
      if (!control_.has_waiting_input() || control_.unsent() > enough_answers) {
        co_await control_.flush();
      }
      if (work().is_long()) {
        co_await loop_.next_turn();
      }
    }
    if (!files_.empty())
      throw Corrupt(text("{} has finished in the middle of {}", control_.peer(), files_.any_name()));
    control_.put(Finish());
    co_await control_.flush();
  }

  // What is said on the first connection.
  // --------------------------------------------------------------------

  template <class Other>
  Task<> take(const Other&, Hasher&) {
    throw Corrupt(text("{} says what a sender does not say", control_.peer()));
    co_return;
  }

  Task<> take(const Abort& abort, Hasher&) {
    throw Incomplete(text("{} has given up: {}", control_.peer(), abort.reason));
    co_return;
  }

  Task<> take(const Entry& entry, Hasher&) {
    files_.note_announced(entry);
    if (options_.most_files && entry.id >= *options_.most_files)
      throw Incomplete(text("{} sends more than {}; --max-files allows more", control_.peer(),
                            counted(*options_.most_files, "file")));
    if (entry.kind == EntryKind::link && hello_.version < version_with_links)
      throw Corrupt(text("{} sends a link, which this version of the protocol has not", control_.peer()));
    Begun begun{entry};
    if (entry.kind == EntryKind::file) {
      files_.add(std::move(begun));
      waiting_.push_back(entry.id);
      co_return;
    }
    std::string reason;
    try {
      destination_.check_name(entry);
      if (entry.kind == EntryKind::directory)
        begun.is_made = destination_.make_folder(entry);
      else
        make_link(entry);
    } catch (const Incomplete& error) {
      reason = error.what();
    } catch (const Error& error) {
      if (!is_of_one_file(error)) throw;
      reason = error.what();
    }
    if (!reason.empty()) files_.refuse(begun, reason);
    if (entry.kind == EntryKind::directory) files_.add(std::move(begun));
  }

  void make_link(const Entry& entry) {
    const bool is_new = destination_.make_link(entry, options_.replaces, options_.sync);
    ++tally_.files;
    if (!is_new) ++tally_.files_there;
    options_.tell({is_new ? FileEvent::Kind::whole : FileEvent::Kind::there, shown(entry)});
    if (is_new)
      control_.put(Done{entry.id});
    else
      control_.put(Offer{entry.id, Offer::State::all});
  }

  /// Answers the entries of files, in order, as far as there is room for their parts. A sender that waits for
  /// an answer so waits until it has sent what it has been answered before.
  Task<> offer_waiting() {
    while (!waiting_.empty()) {
      const auto id = waiting_.front();
      if (files_.has_ended(id)) {  // it has been cancelled
        waiting_.pop_front();
        continue;
      }
      const auto begun = files_.find(id);
      if (is_resumable_entry(begun->entry) && !files_.has_room(true)) break;
      waiting_.pop_front();
      co_await offer(*begun);
      if (!begun->is_offered) files_.end(id);
      if (control_.unsent() > enough_answers) {
        co_await control_.flush();
      }
    }
  }

  Task<> offer(Begun& begun) {
    std::string reason;
    try {
      destination_.check_name(begun.entry);
      const auto answer = co_await offering_.begin(begun, hello_.digest);
      control_.put(answer);
    } catch (const Incomplete& error) {
      reason = error.what();
    } catch (const Error& error) {
      if (!is_of_one_file(error)) throw;
      reason = error.what();
    }
    if (!reason.empty()) files_.refuse(begun, reason);
  }

  Task<> take(const Restart& restart, Hasher&) {
    auto& begun = *files_.find(restart.id);
    if (begun.has_chunks)
      throw Corrupt(text("{}: it is restarted behind its first chunk", shown(begun.entry)));
    if (!begun.part) co_return;
    tally_.resumed -= std::exchange(begun.resumed, 0);
    begun.part->restart();
    options_.tell({FileEvent::Kind::changed, shown(begun.entry)});
  }

  Task<> take(const Chunk& chunk, Hasher& hasher) { co_await intake_.take(control_, chunk, hasher); }

  Task<> take(const End& end, Hasher&) {
    const auto owned = files_.find(end.id);
    auto& begun = *owned;
    if (begun.entry.kind == EntryKind::directory && !begun.is_refused) {
      destination_.finish_folder(begun.entry, begun.is_made);
      control_.put(Done{end.id});
    } else if (begun.entry.kind == EntryKind::file && !begun.is_refused) {
      if (!begun.is_offered)
        throw Corrupt(text("{}: it ends before the answer to its entry", shown(begun.entry)));
      if (begun.entry.size != unknown && end.size != begun.entry.size)
        throw Corrupt(
            text("{}: {} bytes were announced, and {} sent", shown(begun.entry), begun.entry.size, end.size));
      while (!begun.is_refused && verified_bytes(begun) < end.data && lanes_ && lanes_->are_running()) {
        co_await files_.changed().wait();
      }
      offering_.open(begun);
      if (begun.part) {
        co_await finish_file(begun, end);
      }
    }
    if (begun.set_aside) files_.fail<Corrupt>(begun, begun.mismatch);
    files_.end(end.id);
  }

  static std::uint64_t verified_bytes(const Begun& begun) {
    return begun.part ? begun.part->verified().bytes() : 0;
  }

  Task<> finish_file(Begun& begun, const End& end) {
    const auto part = std::move(begun.part);  // nothing more goes into it
    begun.is_closed = true;
    const auto& verified = part->verified();
    if (verified.bytes() != end.data || verified.end() > end.size)
      throw Corrupt(
          text("{}: {} of {} have come", shown(begun.entry), verified.bytes(), counted(end.data, "byte")));
    if (options_.most && end.size > *options_.most) {
      files_.refuse_as_too_long(begun);
      co_return;
    }
    const auto holes = end.size - end.data;
    std::string reason;
    try {
      const bool is_complete = co_await part->complete(end.size, options_.replaces, options_.sync, work());
      if (!is_complete) reason = "it exists by now; recv-file --force replaces it";
    } catch (const Error& error) {
      if (!is_of_one_file(error)) throw;
      reason = error.what();
    }
    if (!reason.empty()) {
      files_.refuse(begun, reason);
      co_return;
    }
    tally_.holes += holes;
    ++tally_.files;
    options_.tell({FileEvent::Kind::whole, shown(begun.entry), end.size});
    control_.put(Done{end.id});
  }

  Task<> take(const Cancel& cancel, Hasher&) {
    auto& begun = *files_.find(cancel.id);
    const bool is_awaited = begun.entry.kind == EntryKind::file && !begun.is_refused;
    for (auto* const part : {begun.part.get(), begun.set_aside.get()})
      if (part != nullptr) part->discard();
    if (is_awaited || begun.set_aside) files_.fail<Incomplete>(begun, cancel.reason);
    files_.end(cancel.id);
    co_return;
  }

  std::string shown(const Entry& entry) const { return destination_.shown(entry); }

  EventLoop& loop_;
  VerifiedReceiveOptions options_;
  TransferTally& tally_;
  NextLane next_;
  Destination destination_;
  Clock::time_point last_byte_ = Clock::now();
  Hello hello_;
  Channel control_;
  BegunFiles files_;
  Offering offering_;
  ChunkIntake intake_;
  std::deque<std::uint32_t> waiting_;    // entries of files that have no answer yet
  std::optional<ReceivingLanes> lanes_;  // goes first
};

}  // namespace

Task<> receive_verified(Connection connection, NextLane next, VerifiedReceiveOptions options,
                        TransferTally& tally) {
  ReceivingSession receiving(co_await this_loop(), std::move(connection), std::move(next), std::move(options),
                             tally);
  co_await receiving.run();
}

}  // namespace sockx
