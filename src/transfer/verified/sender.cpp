#include "transfer/verified/sender.hpp"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <list>
#include <unordered_map>

#include "flow/notification.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"
#include "transfer/verified/lane.hpp"
#include "transfer/verified/source.hpp"
#include "transfer/verified/source_walk.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t chunk_size = 1024 * 1024;
constexpr std::size_t announced_ahead = 64;  // entries
constexpr std::size_t most_unanswered = 4096;
constexpr Duration parting_time = 2s;
constexpr std::uint8_t integrity_mismatch = 10;  // an exit status, see sockx(1)

SessionId new_session() {
  SessionId id;
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) throw_errno("getrandom");
  return id;
}

/// Into pieces that do not cross a multiple of the chunk size.
void cut(const Range& range, std::deque<Range>& chunks) {
  for (auto offset = range.offset; offset < range.end();) {
    const auto end = std::min(range.end(), (offset / chunk_size + 1) * chunk_size);
    chunks.push_back({offset, end - offset});
    offset = end;
  }
}

class SendingSession {
 public:
  SendingSession(EventLoop& loop, PeerSocket connection, NextSocket next, VerifiedSendOptions options,
                 TransferTally& tally)
      : loop_(loop), options_(std::move(options)), tally_(tally), next_(std::move(next)), answered_(loop) {
    if (options_.rate) rate_.emplace(*options_.rate);
    add_lane(std::move(connection));
    hello_.digest = options_.digest;
    hello_.streams = static_cast<std::uint16_t>(options_.streams);
    hello_.session = new_session();
  }

  Task<> run() {
    std::vector<Task<>> tasks;
    if (options_.idle_timeout) tasks.push_back(watch_for_idleness(*options_.idle_timeout, last_byte_));
    tasks.push_back(transfer());
    std::exception_ptr failure;
    try {
      co_await any(std::move(tasks));
    } catch (const Abort& abort) {
      throw_failure(abort);
    } catch (const TimedOut& reason) {
      if (!is_greeted_) throw;
      throw Incomplete(broken_off(reason));
    } catch (const Error& reason) {
      if (reason.origin() != Origin::peer || !is_greeted_) throw;
      failure = std::make_exception_ptr(Incomplete(broken_off(reason)));
    } catch (const Incomplete&) {
      failure = std::current_exception();
    }
    if (failure) co_await say_why(failure);
  }

 private:
  /// A connection that ends may do so because the receiver has given up, which it says on the first. Throws
  /// that reason, or else the failure.
  Task<> say_why(std::exception_ptr failure) {
    try {
      co_await bounded(hear_abort(), after(parting_time), "");
    } catch (const Abort& abort) {
      throw_failure(abort);
    } catch (const std::exception&) {  // it has said nothing
    }
    std::rethrow_exception(failure);
  }

  Task<> hear_abort() {
    for (;;) {
      const auto message = co_await control().receive();
      if (const auto* const abort = std::get_if<Abort>(&message)) throw *abort;
    }
  }

  std::string broken_off(const std::exception& reason) const {
    return text("{} of {} bytes were sent: {}", tally_.bytes_done(),
                tally_.bytes_total ? text("{}", *tally_.bytes_total) : "the", reason.what());
  }

  Task<> transfer() {
    count_what_is_to_be_sent();
    co_await greet_in_time(lanes_.front());
    is_greeted_ = true;
    std::vector<Task<>> opening;
    opening.push_back(open_lanes());
    opening.push_back(hear_abort());
    co_await any(std::move(opening));
    co_await all(take_answers(), send_everything());
    tally_.phase = TransferTally::Phase::finishing;
    co_await control().part(after(parting_time));
  }

  Task<> greet_in_time(Lane& lane) {
    auto message = text("{} has not greeted within {:g} s: does it receive with --verified?",
                        lane.channel().peer(), std::chrono::duration<double>(options_.greeting_time).count());
    co_await bounded(greet(lane), after(options_.greeting_time), std::move(message));
  }

  Task<> greet(Lane& lane) {
    auto& channel = lane.channel();
    channel.put(hello_);
    co_await channel.flush();
    auto message = co_await channel.receive();
    if (const auto* const abort = std::get_if<Abort>(&message)) throw *abort;
    const auto* const welcome = std::get_if<Welcome>(&message);
    if (welcome == nullptr) throw Corrupt(text("{} does not greet", channel.peer()));
    if (welcome->version != protocol_version)
      throw Incomplete(text("{} speaks version {} of the protocol, and we speak {}", channel.peer(),
                            welcome->version, protocol_version));
  }

  /// The other connections. Where we listen, anybody may have come in place of the receiver: who does not
  /// greet is dropped, for the next one.
  Task<> open_lanes() {
    while (lanes_.size() < options_.streams) {
      hello_.stream = static_cast<std::uint16_t>(lanes_.size());
      auto connection = co_await next_();
      auto& lane = add_lane(std::move(connection));
      try {
        co_await greet_in_time(lane);
        continue;
      } catch (const std::exception& error) {
        if (!options_.listens) throw;
        options_.warn(text("{}; it is left", error.what()));
      }
      lanes_.pop_back();
    }
  }

  Lane& add_lane(PeerSocket connection) {
    const LaneOptions how{options_.digest, options_.method, options_.compresses, rate_ ? &*rate_ : nullptr};
    return lanes_.emplace_back(loop_, std::move(connection), last_byte_, how, tally_);
  }

  Channel& control() { return lanes_.front().channel(); }

  /// A first walk, so that both ends know what is to come.
  void count_what_is_to_be_sent() {
    SourceWalk walk(
        options_.paths, [](const auto&, const auto&) {}, [](const auto&, int) {});
    std::uint64_t files = 0, bytes = 0;
    while (const auto step = walk.next()) {
      if (step->kind != SourceStep::Kind::file) continue;
      struct stat status {};
      if (step->path == "-" || stat(step->path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
      ++files;
      bytes += static_cast<std::uint64_t>(status.st_size);
    }
    tally_.files_total = hello_.files = files;
    tally_.bytes_total = hello_.bytes = bytes;
  }

  Task<> send_everything() {
    tally_.phase = TransferTally::Phase::moving;
    const auto left_out = [this](const std::string& path, const std::string& why) { leave_out(path, why); };
    const auto unreadable = [this](const std::string& path, int error) {
      fail(path, std::make_exception_ptr(Error(error, text("open {}", path), Origin::local_file)));
    };
    SourceWalk walk(options_.paths, left_out, unreadable);
    for (;;) {
      while (announced_.size() < announced_ahead) {
        const auto step = walk.next();
        if (!step) break;
        announce(*step);
      }
      if (announced_.empty()) break;
      auto next = std::move(announced_.front());
      announced_.pop_front();
      if (next.source)
        co_await send_file(next.id, *next.source);
      else
        control().put(End{next.id, 0, 0});
      if (control().unsent() > enough_in_line) co_await control().flush();
      while (unanswered_.size() > most_unanswered) {
        co_await send_or_wait();
      }
    }
    has_said_all_ = true;
    control().put(Finish());
    co_await control().flush();
  }

  /// An answer may come while what is in line is sent: who calls this looks before waiting for one.
  Task<> send_or_wait() {
    if (control().unsent() > 0) {
      co_await control().flush();
    } else {
      co_await answered_.wait();
    }
  }

  /// Says what comes, so that the answers do not have to be waited for one by one.
  void announce(const SourceStep& step) {
    struct stat status {};
    switch (step.kind) {
      case SourceStep::Kind::leave:
        announced_.push_back({folders_.back(), std::nullopt});
        folders_.pop_back();
        return;
      case SourceStep::Kind::enter:
        if (stat(step.path.c_str(), &status) != 0) status = {};
        folders_.push_back(next_id_);
        announce(EntryKind::directory, status, 0, step.name, step.path);
        return;
      case SourceStep::Kind::file:
        break;
    }
    try {
      SourceFile source(step.path, step.is_named);
      if (const auto mode = source.status().st_mode; !step.is_named && !S_ISREG(mode)) {
        leave_out(step.path, kind_in_words(mode));  // it has been replaced since the walk saw it
        return;
      }
      const auto id = next_id_;
      announce(EntryKind::file, source.status(), source.has_size() ? source.size() : unknown,
               options_.name.empty() ? step.name : options_.name, step.path);
      announced_.push_back({id, std::move(source)});
    } catch (const Error& error) {
      if (error.number() == ELOOP && !step.is_named)
        leave_out(step.path, kind_in_words(S_IFLNK));
      else
        fail(step.path, std::current_exception());
    }
  }

  void leave_out(const std::string& path, const std::string& why) {
    options_.tell({FileEvent::Kind::left_out, path, 0, why});
  }

  void announce(EntryKind kind, const struct stat& status, std::uint64_t size, const std::string& name,
                const std::string& path) {
    control().put(Entry{next_id_, kind, static_cast<std::uint16_t>(status.st_mode & 0777),
                        status.st_mtim.tv_sec, static_cast<std::uint32_t>(status.st_mtim.tv_nsec), size,
                        name});
    unanswered_.emplace(next_id_++, Unanswered{path, kind, size == unknown ? 0 : size, status.st_mtim, {}});
  }

  /// What befalls the file itself does not keep the others.
  Task<> send_file(std::uint32_t id, const SourceFile& source) {
    const auto& path = source.described().name;
    std::exception_ptr failure;
    try {
      tally_.file = path;
      const auto there = co_await ask(id, source);
      if (there && source.has_size())
        co_await send_regular(id, source, *there);
      else if (there)
        co_await send_stream(id, source);
    } catch (const SourceChanged&) {
      failure = changed_while_sent(path);
    } catch (const Error& error) {
      if (error.origin() != Origin::local_file) throw;
      failure = std::current_exception();
    }
    if (!failure) co_return;
    if (unanswered_.erase(id) > 0) fail(path, failure);  // else it has failed at the receiver
    control().put(Cancel{id, "the sender could not read it whole"});
  }

  /// An entry that the receiver has not spoken its last word on.
  struct Unanswered {
    std::string path;
    EntryKind kind;
    std::uint64_t size = 0;
    timespec time{};  // of the last modification
    std::optional<Offer> offer;
    bool is_asked_for = false;  // the offer has been looked at: the next word is the last
  };

  /// What the receiver has of the file, and nothing when it wants no more.
  Task<std::optional<RangeSet>> ask(std::uint32_t id, const SourceFile& source) {
    while (unanswered_.contains(id) && !unanswered_.at(id).offer) {
      co_await send_or_wait();
    }
    if (!unanswered_.contains(id)) co_return std::nullopt;
    auto& file = unanswered_.at(id);
    file.is_asked_for = true;
    const auto offer = *std::exchange(file.offer, std::nullopt);
    RangeSet there;
    switch (offer.state) {
      case Offer::State::all:
      case Offer::State::unwanted:
        settle(id, offer);
        co_return std::nullopt;
      case Offer::State::changed:
        options_.tell({FileEvent::Kind::changed, file.path});
        break;
      case Offer::State::part:
        if (is_of(source, offer)) {
          for (const auto& range : offer.have) there.add(range);
          options_.tell({FileEvent::Kind::resumed, file.path, there.bytes()});
        } else {
          control().put(Restart{id});
          options_.tell({FileEvent::Kind::changed, file.path});
        }
        break;
      case Offer::State::nothing:
        break;
    }
    co_return there;
  }

  /// Whether a part is of this file, as far as its samples tell.
  bool is_of(const SourceFile& source, const Offer& part) {
    const auto fits = [&](const Range& range) { return range.end() <= source.size(); };
    const auto is_same = [&](const Sample& sample) {
      return fits(sample.range) &&
             source.digest_of(sample.range, lanes_.front().hasher(), loop_.scratch()) == sample.digest;
    };
    return std::ranges::all_of(part.have, fits) && std::ranges::all_of(part.samples, is_same);
  }

  Task<> send_regular(std::uint32_t id, const SourceFile& source, const RangeSet& there) {
    std::deque<Range> chunks;
    for (const auto& range : source.data())
      for (const auto& gap : there.missing_from(range)) cut(gap, chunks);
    auto data = there.bytes();
    for (const auto& range : chunks) data += range.length;
    tally_.holes += source.size() - data;
    tally_.resumed += there.bytes();
    co_await send_chunks(id, source, std::move(chunks));
    if (source.has_changed()) throw SourceChanged();
    control().put(End{id, source.size(), data});
  }

  /// Over all connections, each of which takes the next chunk when it is done with one.
  Task<> send_chunks(std::uint32_t id, const SourceFile& source, std::deque<Range> chunks) {
    std::exception_ptr failure;
    if (chunks.size() < 2 || lanes_.size() < 2) {
      co_await send_over(lanes_.front(), source, id, chunks, failure);
    } else {
      std::list<SourceFile> others;  // before the first chunk begins: a lane must not be dropped in one
      while (others.size() < lanes_.size() - 1) others.push_back(source.again());
      TaskGroup group(loop_);
      group.spawn(send_over(lanes_.front(), source, id, chunks, failure));
      for (auto lane = std::next(lanes_.begin()); const auto& other : others)
        group.spawn(send_over(*lane++, other, id, chunks, failure));
      co_await group.join();
    }
    if (failure) std::rethrow_exception(failure);
  }

  /// A failure of the file ends the others after the chunks that they are at.
  Task<> send_over(Lane& lane, const SourceFile& source, std::uint32_t id, std::deque<Range>& chunks,
                   std::exception_ptr& failure) {
    Watch watch(loop_, source.described().fd);
    while (!chunks.empty() && unanswered_.contains(id)) {
      const auto range = chunks.front();
      chunks.pop_front();
      try {
        co_await lane.send(source, watch, id, range);
      } catch (const SourceChanged&) {
        failure = std::current_exception();
      } catch (const Error& error) {
        if (error.origin() != Origin::local_file) throw;
        failure = std::current_exception();
      }
      if (failure) chunks.clear();
    }
    if (&lane != &lanes_.front()) co_await lane.channel().flush();
  }

  /// What has no size, and can be read only once: chunk by chunk through memory.
  Task<> send_stream(std::uint32_t id, const SourceFile& source) {
    Watch watch(loop_, source.described().fd);
    std::vector<std::byte> buffer(chunk_size);
    std::uint64_t size = 0;
    co_await control().flush();
    co_await wait_for_input(watch, id);  // a fifo cannot be read before somebody writes to it
    for (bool has_ended = false; !has_ended && unanswered_.contains(id);) {
      std::size_t filled = 0;
      while (filled < buffer.size() && !has_ended && unanswered_.contains(id)) {
        const auto got = read_some(source.described(), std::span(buffer).subspan(filled));
        filled += got.bytes;
        has_ended = got.state == IoResult::State::eof;
        if (got.state == IoResult::State::moved) last_byte_ = loop_.now();
        if (got.state != IoResult::State::again) continue;
        watch.forget_readable();
        co_await wait_for_input(watch, id);
      }
      if (filled == 0 || !unanswered_.contains(id)) break;
      co_await lanes_.front().put(id, size, std::span(buffer).first(filled));
      co_await control().flush();
      co_await loop_.next_turn();
      size += filled;
    }
    if (unanswered_.contains(id)) unanswered_.at(id).size = size;
    control().put(End{id, size, size});
  }

  /// Or until the receiver has said that it does not want it any more.
  Task<> wait_for_input(Watch& watch, std::uint32_t id) {
    std::vector<Task<>> either;
    either.push_back(until_readable(watch));
    either.push_back(until_settled(id));
    co_await any(std::move(either));
  }

  static Task<> until_readable(Watch& watch) { co_await watch.readable(); }

  Task<> until_settled(std::uint32_t id) {
    while (unanswered_.contains(id)) {
      co_await answered_.wait();
    }
  }

  /// Until the receiver has no more to say.
  Task<> take_answers() {
    for (;;) {
      auto message = co_await control().receive();
      if (std::holds_alternative<Finish>(message) && has_said_all_) break;
      if (const auto* const abort = std::get_if<Abort>(&message)) throw *abort;
      if (auto* const offer = std::get_if<Offer>(&message))
        take_offer(std::move(*offer));
      else if (const auto* const done = std::get_if<Done>(&message))
        note_whole(done->id);
      else
        throw Corrupt(text("{} says what a receiver does not say", control().peer()));
      answered_.notify();
    }
    if (!unanswered_.empty())
      throw Corrupt(
          text("{} has finished without a word on {}", control().peer(), unanswered_.begin()->second.path));
  }

  /// The first word on a file, or the last on any entry. On one that has been cancelled it comes too late to
  /// matter.
  void take_offer(Offer offer) {
    const auto found = unanswered_.find(offer.id);
    if (found == unanswered_.end()) return;
    auto& entry = found->second;
    if (entry.kind != EntryKind::file || entry.is_asked_for)
      settle(offer.id, offer);
    else if (entry.offer)
      throw Corrupt(text("{} says what does not go with {}", control().peer(), entry.path));
    else
      entry.offer = std::move(offer);
  }

  /// The receiver does not need the file, or does not take it.
  void settle(std::uint32_t id, const Offer& offer) {
    const auto file = std::move(unanswered_.extract(id).mapped());
    if (offer.state == Offer::State::all) {
      ++tally_.files;
      ++tally_.files_there;
      tally_.resumed += file.size;
      options_.tell({FileEvent::Kind::there, file.path, file.size});
    } else if (offer.state == Offer::State::unwanted) {
      const auto what = text("{}: {} does not take it: {}", file.path, control().peer(), offer.reason);
      if (offer.status != integrity_mismatch)
        fail(file.path, std::make_exception_ptr(Incomplete(what)));
      else if (has_changed(file))  // between its digest and its bytes
        fail(file.path, changed_while_sent(file.path));
      else
        fail(file.path, std::make_exception_ptr(Corrupt(what)));
    } else {
      throw Corrupt(text("{} says what does not go with {}", control().peer(), file.path));
    }
  }

  static bool has_changed(const Unanswered& file) {
    struct stat now {};
    return stat(file.path.c_str(), &now) == 0 && S_ISREG(now.st_mode) &&
           (static_cast<std::uint64_t>(now.st_size) != file.size || now.st_mtim.tv_sec != file.time.tv_sec ||
            now.st_mtim.tv_nsec != file.time.tv_nsec);
  }
  static std::exception_ptr changed_while_sent(const std::string& path) {
    return std::make_exception_ptr(Incomplete(text("{}: has changed while it was sent", path)));
  }

  void note_whole(std::uint32_t id) {
    const auto found = unanswered_.find(id);
    if (found == unanswered_.end() || (found->second.kind == EntryKind::file && !found->second.is_asked_for))
      throw Corrupt(text("{} has a file that was not sent", control().peer()));
    const auto entry = std::move(found->second);
    unanswered_.erase(found);
    if (entry.kind == EntryKind::directory) return;
    ++tally_.files;
    options_.tell({FileEvent::Kind::whole, entry.path, entry.size});
  }

  void fail(const std::string& path, std::exception_ptr failure) {
    ++tally_.files_failed;
    if (!tally_.first_failure) tally_.first_failure = failure;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      options_.tell({FileEvent::Kind::failed, path, 0, error.what()});
    }
  }

  [[noreturn]] void throw_failure(const Abort& abort) {
    const auto what = text("{} has given up: {}", control().peer(), abort.reason);
    if (abort.status == integrity_mismatch) throw Corrupt(what);
    throw Incomplete(what);
  }

  EventLoop& loop_;
  VerifiedSendOptions options_;
  TransferTally& tally_;
  NextSocket next_;
  Hello hello_;
  Clock::time_point last_byte_ = Clock::now();
  std::list<Lane> lanes_;  // the first is the one that everything but chunks goes over
  std::optional<RateLimit> rate_;
  Notification answered_;
  bool is_greeted_ = false, has_said_all_ = false;
  std::uint32_t next_id_ = 0;
  /// What the receiver has been told of and not been sent yet: files, and folders (without a source) to be
  /// left.
  struct Announced {
    std::uint32_t id;
    std::optional<SourceFile> source;
  };
  std::deque<Announced> announced_;
  std::vector<std::uint32_t> folders_;  // that have been entered
  std::unordered_map<std::uint32_t, Unanswered> unanswered_;
};

}  // namespace

Task<> send_verified(PeerSocket connection, NextSocket next, VerifiedSendOptions options,
                     TransferTally& tally) {
  SendingSession sending(co_await this_loop(), std::move(connection), std::move(next), std::move(options),
                         tally);
  co_await sending.run();
}

}  // namespace sockx
