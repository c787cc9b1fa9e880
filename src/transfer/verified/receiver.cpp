#include "transfer/verified/receiver.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "flow/notification.hpp"
#include "flow/pumping.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"
#include "transfer/verified/channel.hpp"
#include "transfer/verified/compression.hpp"
#include "transfer/verified/part_file.hpp"
#include "transfer/verified/received_name.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t worth_resuming = 1024 * 1024;  // bytes: a smaller file is sent again
constexpr std::size_t most_begun = 256;                // entries that have begun and not ended
constexpr std::size_t enough_answers = 64 * 1024;      // bytes to send, while there is more to read
constexpr Duration time_to_part = 2s;

/// The exit statuses of sockx(1) that a sender is told.
enum Status : std::uint8_t { timed_out = 5, incomplete = 9, mismatch = 10, local_io = 11 };

/// An entry that has begun.
struct Begun {
  Entry entry;
  std::unique_ptr<PartFile> part;  // null for a folder, and for what is not received
  bool is_refused = false;
  std::string mismatch = {};                 // how what came differs from what was sent, if it does; then the
  std::unique_ptr<PartFile> set_aside = {};  // part waits for whether it was the sender's file that changed
  std::uint64_t resumed = 0;                 // bytes of an earlier transfer that are good still
  bool is_made = false;                      // a folder that was not there before
};

/// Whether the others can go on.
bool is_of_one_file(const Error& error) {
  return error.origin() == Origin::local_file && !is_shortage(error.number());
}

class ReceivingSession {
 public:
  ReceivingSession(EventLoop& loop, PeerSocket connection, NextLane next, VerifiedReceiveOptions options,
                   TransferTally& tally)
      : loop_(loop),
        options_(std::move(options)),
        tally_(tally),
        next_(std::move(next)),
        folder_(folder_path(options_)),
        control_(loop, std::move(connection), last_byte_),
        arrived_(loop) {
    lanes_.emplace(loop);
  }

  Task<> run() {
    std::vector<Task<>> tasks;
    if (options_.idle_timeout) tasks.push_back(watch_for_idleness(*options_.idle_timeout, last_byte_));
    tasks.push_back(transfer());
    std::exception_ptr failure;
    try {
      co_await bounded(any(std::move(tasks)), options_.deadline, "the deadline has passed");
    } catch (...) {
      failure = std::current_exception();
    }
    lanes_.reset();  // nothing more is taken, or answered
    if (failure) co_await give_up(failure);
    tally_.phase = TransferTally::Phase::finishing;
    co_await control_.part(after(time_to_part));
  }

 private:
  static std::string folder_path(const VerifiedReceiveOptions& options) {
    if (options.output.empty()) return options.folder;
    const auto slash = options.output.rfind('/');
    return slash == std::string::npos ? "." : options.output.substr(0, slash + 1);
  }

  /// Tells the sender why, waits a little until it has heard it, and throws.
  Task<> give_up(std::exception_ptr failure) {
    Abort told;
    std::exception_ptr thrown = failure;
    try {
      std::rethrow_exception(failure);
    } catch (const Corrupt& error) {
      told = {Status::mismatch, error.what()};
    } catch (const Incomplete& error) {
      told = {Status::incomplete, error.what()};
      thrown = broken_off(error);
    } catch (const TimedOut& error) {
      told = {Status::timed_out, error.what()};
      thrown = broken_off(error);
    } catch (const Error& error) {
      told = {Status::local_io, error.what()};
      if (error.origin() == Origin::peer) thrown = broken_off(error);
    } catch (const std::exception& error) {
      told = {Status::incomplete, error.what()};
    }
    try {
      control_.drop_unsent();
      control_.put(told);
      co_await bounded(say_and_part(), after(time_to_part), "");
    } catch (const std::exception&) {  // the sender is gone, or does not listen
    }
    std::rethrow_exception(thrown);
  }

  Task<> say_and_part() {
    co_await control_.flush();
    if (tally_.phase == TransferTally::Phase::greeting)
      co_await control_.reject(after(time_to_part));
    else
      co_await control_.part(after(time_to_part));
  }

  std::exception_ptr broken_off(const std::exception& reason) const {
    const auto total = tally_.bytes_total ? text("{}", *tally_.bytes_total) : "the";
    return std::make_exception_ptr(
        Incomplete(text("{} of {} bytes arrived: {}", tally_.bytes_done(), total, reason.what())));
  }

  Task<> transfer() {
    auto first = co_await control_.receive();
    const auto* const hello = std::get_if<Hello>(&first);
    if (hello == nullptr) throw Corrupt(text("{} does not greet", control_.peer()));
    hello_ = *hello;
    if (hello_.streams == 1) next_ = {};
    control_.put(Welcome());
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
    std::vector<Task<>> tasks;
    tasks.push_back(take_control());
    if (hello_.streams > 1) tasks.push_back(take_lanes());
    co_await any(std::move(tasks));
  }

  static void check_version(const Hello& hello, const Channel& channel) {
    if (hello.version != protocol_version)
      throw Incomplete(text("{} speaks version {} of the protocol, and we speak {}", channel.peer(),
                            hello.version, protocol_version));
  }

  /// Until the sender has finished.
  Task<> take_control() {
    Hasher hasher(hello_.digest);
    for (;;) {
      const auto message = co_await control_.receive();
      if (std::holds_alternative<Finish>(message)) break;
      co_await std::visit([&](const auto& one) { return take(one, hasher); }, message);
      if (!control_.has_waiting_input() || control_.unsent() > enough_answers) co_await control_.flush();
    }
    if (!begun_.empty())
      throw Corrupt(
          text("{} has finished in the middle of {}", control_.peer(), begun_.begin()->second->entry.name));
    control_.put(Finish());
    co_await control_.flush();
  }

  /// The other connections: chunks and nothing else. They never end before the first does.
  Task<> take_lanes() {
    lanes_->spawn(open_lanes());
    co_await lanes_->join();
  }

  Task<> open_lanes() {
    for (unsigned count = 1; count < hello_.streams; ++count) {
      auto connection = co_await next_(hello_.session);
      lanes_->spawn(take_lane(std::move(connection)));
    }
    next_ = {};
  }

  Task<> take_lane(PeerSocket connection) {
    Channel channel(loop_, std::move(connection), last_byte_);
    co_await bounded(greet(channel), after(options_.greeting_time),
                     text("{} has not greeted within {:g} s", channel.peer(),
                          std::chrono::duration<double>(options_.greeting_time).count()));
    Hasher hasher(hello_.digest);
    for (;;) {
      const auto message = co_await channel.receive();
      const auto* const chunk = std::get_if<Chunk>(&message);
      if (chunk == nullptr)
        throw Corrupt(text("{} says on another connection what belongs on the first", channel.peer()));
      if (begun_.contains(chunk->id) || chunk->id >= next_id_)
        co_await take_chunk(channel, *chunk, hasher);
      else  // it was cancelled, which another connection has told sooner
        co_await channel.receive_payload(chunk->encoded_length + size_of(hello_.digest), [](auto) {});
    }
  }

  Task<> greet(Channel& channel) {
    const auto first = co_await channel.receive();
    const auto* const hello = std::get_if<Hello>(&first);
    if (hello == nullptr || hello->session != hello_.session || !streams_.insert(hello->stream).second)
      throw Corrupt(text("{} is no connection of this transfer", channel.peer()));
    channel.put(Welcome());
    co_await channel.flush();
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
    if (entry.id != next_id_++) throw Corrupt(text("{} counts its files wrongly", control_.peer()));
    if (options_.most_files && entry.id >= *options_.most_files)
      throw Incomplete(text("{} sends more than {} files; --max-files allows more", control_.peer(),
                            *options_.most_files));
    if (begun_.size() >= most_begun)
      throw Corrupt(text("{} has {} files begun at once", control_.peer(), begun_.size()));
    tally_.file = entry.name;
    Begun begun{entry, nullptr};
    Offer offer{entry.id};
    try {
      check_name(entry);
      if (entry.kind == EntryKind::directory)
        begun.is_made = make_folder(entry);
      else
        co_await begin_file(begun, offer);
    } catch (const Incomplete& error) {
      offer.reason = error.what();
    } catch (const Error& error) {
      if (!is_of_one_file(error)) throw;
      offer.reason = error.what();
    }
    if (!offer.reason.empty())
      refuse(begun, std::move(offer));
    else if (entry.kind == EntryKind::file)
      control_.put(offer);
    if (begun.part || entry.kind == EntryKind::directory)
      begun_.emplace(entry.id, std::make_shared<Begun>(std::move(begun)));
  }

  void check_name(const Entry& entry) const {
    if (!options_.output.empty()) {
      if (entry.kind == EntryKind::directory || entry.id > 0)
        throw Incomplete("one file is all that --output has a name for");
      return;
    }
    if (entry.name.empty())
      throw Incomplete("what is sent has no name: --output gives it one here, and --name there");
    if (const auto fault = fault_of_name(entry.name); !fault.empty())
      throw Incomplete(text("the name {}", fault));
  }

  /// The part of the file, if it is to be received; else the offer says why not.
  Task<> begin_file(Begun& begun, Offer& offer) {
    const auto& entry = begun.entry;
    if (options_.most && entry.size != unknown && entry.size > *options_.most)
      throw Incomplete(
          text("{} bytes are more than the {} that --max-size allows", entry.size, *options_.most));
    auto place = folder_.place(local_name(entry));
    struct stat there {};
    if (fstatat(place.folder, place.leaf.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) {
      if (is_same(entry, there)) {
        offer.state = Offer::State::all;
        ++tally_.files;
        ++tally_.files_there;
        tally_.resumed += entry.size;
        options_.tell({FileEvent::Kind::there, shown(entry), entry.size});
        if (entry.size > worth_resuming) PartFile::clear(place);
        co_return;
      }
      if (S_ISDIR(there.st_mode)) throw Error(EISDIR, text("open {}", shown(entry)), Origin::local_file);
      if (!options_.replaces) throw Incomplete("it exists; --force replaces it");
    }
    const FileFacts facts{entry.size, entry.seconds, entry.nanoseconds, entry.mode};
    const bool is_resumable = entry.size != unknown && entry.size > worth_resuming;
    begun.part =
        std::make_unique<PartFile>(std::move(place), shown(entry), facts, hello_.digest, is_resumable);
    if (is_resumable) co_await resume(begun, offer);
  }

  Task<> resume(Begun& begun, Offer& offer) {
    const auto& entry = begun.entry;
    auto& part = *begun.part;
    tally_.phase = TransferTally::Phase::resuming;
    co_await part.resume(last_byte_);
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
      part.restart();  // a map in so many pieces is not worth its message, nor their limit
      offer = {entry.id};
      co_return;
    }
    tally_.resumed += begun.resumed = part.verified().bytes();
    options_.tell({FileEvent::Kind::resumed, shown(entry), begun.resumed});
  }

  /// Whether it was not there. Until its end, files can be put into it.
  bool make_folder(const Entry& entry) {
    const auto place = folder_.place(entry.name);
    if (mkdirat(place.folder, place.leaf.c_str(), entry.mode | 0700) == 0) return true;
    if (errno != EEXIST || !folder_.open_below(entry.name))
      throw_errno(text("mkdir {}", shown(entry)), Origin::local_file);
    return false;
  }

  Task<> take(const Restart& restart, Hasher&) {
    auto& begun = *find(restart.id);
    if (!begun.part) co_return;
    tally_.resumed -= std::exchange(begun.resumed, 0);
    begun.part->restart();
    options_.tell({FileEvent::Kind::changed, shown(begun.entry)});
  }

  Task<> take(const Chunk& chunk, Hasher& hasher) { co_await take_chunk(control_, chunk, hasher); }

  Task<> take_chunk(Channel& channel, Chunk chunk, Hasher& hasher) {
    const auto owned =
        find(chunk.id);  // it may be cancelled before another connection has brought all of this
    auto& begun = *owned;
    check(begun, chunk.range);
    auto offset = chunk.range.offset;
    const auto keep = [&](std::span<const std::byte> piece) {
      hasher.add(piece);
      if (begun.part) begun.part->write(offset, piece);
      offset += piece.size();
    };
    if (chunk.encoding == Encoding::plain) {
      co_await channel.receive_payload(chunk.encoded_length, keep);
    } else {
      std::vector<std::byte> compressed;
      co_await channel.receive_payload(chunk.encoded_length, [&](std::span<const std::byte> piece) {
        compressed.insert(compressed.end(), piece.begin(), piece.end());
      });
      keep(decompress(compressed, static_cast<std::size_t>(chunk.range.length)));
    }
    const auto digest = co_await channel.receive_bytes(size_of(hello_.digest));
    const bool is_void = digest.find_first_not_of('\0') == std::string::npos;
    const bool is_same = hasher.finish() == digest;
    if (!begun.part || is_void) co_return;
    if (!is_same) {
      begun.mismatch =
          text("the {} bytes at {} are not those that were sent", chunk.range.length, chunk.range.offset);
      begun.set_aside = std::move(begun.part);
      stop(begun, {chunk.id, Offer::State::unwanted, Status::mismatch, begun.mismatch});
      co_await control_.flush();
      co_return;
    }
    begun.part->add_verified(chunk.range, digest);
    tally_.bytes += chunk.range.length;
    tally_.encoded += chunk.encoded_length;
    ++tally_.chunks;
    arrived_.notify();
    if (options_.most && chunk.range.end() > *options_.most) {
      refuse_as_too_long(begun);
      co_await control_.flush();
    }
    co_await loop_.next_turn();
  }

  /// What was verified once must not be written again, and nothing beyond the end.
  void check(const Begun& begun, const Range& range) const {
    const auto& entry = begun.entry;
    const auto& part = begun.part;
    if (entry.kind == EntryKind::directory || range.end() > entry.size)
      throw Corrupt(text("{} has no {} bytes at {}", shown(entry), range.length, range.offset));
    if (part && part->verified().overlaps(range))
      throw Corrupt(text("{}: the {} bytes at {} came before", shown(entry), range.length, range.offset));
    if (stretches() > most_stretches)
      throw Corrupt(text("{} comes in more than {} pieces", shown(entry), most_stretches));
  }

  std::size_t stretches() const {
    std::size_t sum = 0;
    for (const auto& [id, begun] : begun_) sum += begun->part ? begun->part->verified().count() : 0;
    return sum;
  }

  Task<> take(const End& end, Hasher&) {
    const auto owned = find(end.id);
    auto& begun = *owned;
    if (begun.entry.kind == EntryKind::directory && !begun.is_refused) {
      finish_folder(begun);
      control_.put(Done{end.id});
    } else if (begun.part) {
      if (begun.entry.size != unknown && end.size != begun.entry.size)
        throw Corrupt(
            text("{}: {} bytes were announced, and {} sent", shown(begun.entry), begun.entry.size, end.size));
      while (begun.part && begun.part->verified().bytes() < end.data && lanes_->running() > 0)
        co_await arrived_.wait();
      if (begun.part) finish_file(begun, end);
    }
    if (begun.set_aside) fail<Corrupt>(begun, begun.mismatch);
    begun_.erase(end.id);
  }

  void finish_file(Begun& begun, const End& end) {
    const auto& verified = begun.part->verified();
    if (verified.bytes() != end.data || verified.end() > end.size)
      throw Corrupt(text("{}: {} of {} bytes have come", shown(begun.entry), verified.bytes(), end.data));
    if (options_.most && end.size > *options_.most) {
      refuse_as_too_long(begun);
      return;
    }
    const auto holes = end.size - end.data;
    std::string reason;
    try {
      if (!begun.part->complete(end.size, options_.replaces, options_.sync))
        reason = "it exists by now; --force replaces it";
    } catch (const Error& error) {
      if (!is_of_one_file(error)) throw;
      reason = error.what();
    }
    if (!reason.empty()) {
      refuse(begun, {end.id, Offer::State::unwanted, 0, reason});
      return;
    }
    tally_.holes += holes;
    ++tally_.files;
    options_.tell({FileEvent::Kind::whole, shown(begun.entry), end.size});
    control_.put(Done{end.id});
  }

  /// Last, because what is put into the folder changes its time, and may not be put there in its mode; and
  /// as far as the file system has them. The mode goes last: it may shut us out.
  void finish_folder(const Begun& begun) {
    const auto& entry = begun.entry;
    const auto folder = folder_.open_below(entry.name);
    if (!folder) return;
    const timespec times[]{{0, UTIME_OMIT}, {entry.seconds, entry.nanoseconds}};
    utimensat(folder.get(), ".", times, 0);
    if (begun.is_made) fchmodat(folder.get(), ".", entry.mode & ~file_mode_mask(), 0);
  }

  Task<> take(const Cancel& cancel, Hasher&) {
    auto& begun = *find(cancel.id);
    for (auto* const part : {begun.part.get(), begun.set_aside.get()}) {
      if (part == nullptr) continue;
      part->discard();
      fail<Incomplete>(begun, cancel.reason);
    }
    begun_.erase(cancel.id);
    co_return;
  }

  std::shared_ptr<Begun> find(std::uint32_t id) const {
    const auto found = begun_.find(id);
    if (found == begun_.end()) throw Corrupt(text("{} speaks of a file that has not begun", control_.peer()));
    return found->second;
  }

  /// Of what came without a size only its bytes tell.
  void refuse_as_too_long(Begun& begun) {
    refuse(begun, {begun.entry.id, Offer::State::unwanted, 0,
                   text("it is longer than the {} bytes that --max-size allows", *options_.most)});
  }

  void refuse(Begun& begun, Offer offer) {
    fail<Incomplete>(begun, offer.reason);
    offer.state = Offer::State::unwanted;
    offer.status = Status::incomplete;
    stop(begun, offer);
  }

  /// Nothing more of it is received.
  void stop(Begun& begun, const Offer& offer) {
    begun.part.reset();
    begun.is_refused = true;
    control_.put(offer);
    arrived_.notify();
  }

  template <class Failure>
  void fail(const Begun& begun, const std::string& reason) {
    ++tally_.files_failed;
    const auto what = text("{}: {}", shown(begun.entry), reason);
    options_.tell({FileEvent::Kind::failed, shown(begun.entry), 0, what});
    if (!tally_.first_failure) tally_.first_failure = std::make_exception_ptr(Failure(what));
  }

  std::string local_name(const Entry& entry) const {
    return options_.output.empty() ? entry.name : options_.output.substr(options_.output.rfind('/') + 1);
  }
  /// For messages.
  std::string shown(const Entry& entry) const {
    return options_.output.empty() ? folder_.path_of(entry.name) : options_.output;
  }

  static bool is_same(const Entry& entry, const struct stat& there) {
    return S_ISREG(there.st_mode) && static_cast<std::uint64_t>(there.st_size) == entry.size &&
           there.st_mtim.tv_sec == entry.seconds && there.st_mtim.tv_nsec == entry.nanoseconds;
  }

  EventLoop& loop_;
  VerifiedReceiveOptions options_;
  TransferTally& tally_;
  NextLane next_;
  ConfinedFolder folder_;
  Clock::time_point last_byte_ = Clock::now();
  Hello hello_;
  Channel control_;
  std::uint32_t next_id_ = 0;
  std::map<std::uint32_t, std::shared_ptr<Begun>> begun_;
  Notification arrived_;  // a chunk
  std::set<std::uint16_t> streams_{0};
  std::optional<TaskGroup> lanes_;  // goes first
};

}  // namespace

Task<> receive_verified(PeerSocket connection, NextLane next, VerifiedReceiveOptions options,
                        TransferTally& tally) {
  ReceivingSession receiving(co_await this_loop(), std::move(connection), std::move(next), std::move(options),
                             tally);
  co_await receiving.run();
}

}  // namespace sockx
