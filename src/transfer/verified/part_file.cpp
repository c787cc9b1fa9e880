#include "transfer/verified/part_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/calls.hpp"
#include "os/new_file.hpp"
#include "transfer/verified/received_name.hpp"

namespace sockx {

namespace {

constexpr mode_t mode_of_part = 0600;
constexpr const char* map_ending = "map";
constexpr const char* new_map_ending = "map.new";       // of one that is being compared
constexpr std::uint64_t write_back_step = 1024 * 1024;  // bytes
constexpr auto longest_chunk_time = 10;                 // seconds, with the slowest of senders

}  // namespace

PartFile::PartFile(Place place, std::string shown_name, const FileFacts& facts, DigestKind digest,
                   bool is_resumable)
    : folder_(openat(place.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      leaf_(std::move(place.leaf)),
      shown_name_(std::move(shown_name)),
      facts_(facts),
      digest_(digest),
      is_resumable_(is_resumable) {
  if (!folder_) fail("open the directory of");
  part_name_ = reserved_name(leaf_, "part");
  open_part();
  if (is_resumable_)
    map_ = open_map(map_ending);
  else
    restart();
}

void PartFile::clear(const Place& place) {
  struct stat status {};
  if (fstatat(place.folder, reserved_name(place.leaf, "part").c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
    return;  // of another transfer
  for (const auto* const what : {map_ending, new_map_ending})
    unlinkat(place.folder, reserved_name(place.leaf, what).c_str(), 0);
}

PartFile::~PartFile() {
  if (!part_) return;  // it has its name
  if (is_resumable_ && verified_.bytes() > 0) {
    fchmod(part_.get(), mode_of_part);  // it may have had the mode of the file already
    try {
      if (is_as_mapped_) map_->set_time(time());
    } catch (const Error&) {  // then the next transfer looks at samples
    }
    return;
  }
  remove_maps();
  if (names_our_part()) unlinkat(folder_.get(), part_name_.c_str(), 0);
}

void PartFile::fail(std::string_view call) const {
  throw_errno(text("{} {}", call, shown_name_), Origin::local_file);
}

/// Between our opening and our locking, another transfer may have completed the part, which then is a file
/// with a name that we must not touch.
void PartFile::open_part() {
  for (;;) {
    UniqueFd part(openat(folder_.get(), part_name_.c_str(),
                         O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, mode_of_part));
    if (!part) fail("create a part of");
    if (flock(part.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) errno = EBUSY;  // "Device or resource busy" says it better
      fail("lock the part of");
    }
    part_ = std::move(part);
    if (!names_our_part()) continue;
    struct stat ours {};
    if (fstat(part_.get(), &ours) != 0) fail("fstat the part of");
    if (!S_ISREG(ours.st_mode) || ours.st_uid != geteuid() || ours.st_nlink != 1)
      throw Error(EPERM, text("use {}, which somebody else has made, for {}", part_name_, shown_name_),
                  Origin::local_file);
    was_there_ = ours.st_size > 0;
    return;
  }
}

bool PartFile::names_our_part() const {
  struct stat ours {
  }, named{};
  return fstat(part_.get(), &ours) == 0 &&
         fstatat(folder_.get(), part_name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
}

PartMap PartFile::open_map(const char* what) const {
  return {folder_.get(), reserved_name(leaf_, what), shown_name_, facts_, digest_};
}

bool PartFile::remove_maps() const {
  for (const auto* const what : {map_ending, new_map_ending})
    if (unlinkat(folder_.get(), reserved_name(leaf_, what).c_str(), 0) != 0 && errno != ENOENT) return false;
  return true;
}

/// Whether the part can contain this range of the map.
bool PartFile::can_have(const Range& range) const {
  struct stat status {};
  if (fstat(part_.get(), &status) != 0) fail("fstat the part of");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return range.length > 0 && range.length <= largest_chunk && range.offset <= size && range.end() <= size &&
         !verified_.overlaps(range);
}

Task<bool> PartFile::still_has(const Sample& chunk, TurnBudget budget) const {
  const auto& range = chunk.range;
  Hasher hasher(digest_);
  for (auto offset = range.offset; offset < range.end();) {
    const auto piece = budget.loop.scratch();
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), range.end() - offset));
    const auto begun = Clock::now();
    const auto got = pread(part_.get(), piece.data(), wanted, static_cast<off_t>(offset));
    if (got < 0) fail("read the part of");
    if (got == 0) co_return false;
    offset += static_cast<std::uint64_t>(got);
    read_ahead_.note(part_.get(), Clock::now() - begun, static_cast<std::uint64_t>(got),
                     static_cast<off_t>(offset));
    hasher.add(piece.first(static_cast<std::size_t>(got)));
    if (budget.is_spent()) {
      co_await budget.loop.next_turn();
    }
  }
  co_return hasher.finish() == chunk.digest;
}

void PartFile::note_verified(const Sample& chunk) {
  verified_.add(chunk.range);
  if (samples_.size() < most_samples) {
    samples_.push_back(chunk);
    return;
  }
  // The first stays, the last is replaced each time, and every so often one between moves on.
  if (verified_.bytes() / largest_chunk % 16 == 0)
    std::rotate(samples_.begin() + 1, samples_.begin() + 2, samples_.end());
  samples_.back() = chunk;
}

Task<> PartFile::resume(TurnBudget budget) {
  const auto state = map_->state();
  if (!was_there_ || state == PartMap::State::none || state == PartMap::State::of_another) {
    has_changed_ = was_there_ && state == PartMap::State::of_another;
    restart();
    co_return;
  }
  bool is_in_doubt = state == PartMap::State::in_doubt;
  if (!is_in_doubt) {
    const auto left = map_->time();  // which reading moves on where the end is torn
    co_await take(*map_, budget);
    is_in_doubt = co_await has_been_touched_since(left, budget);
    if (is_in_doubt) unlinkat(folder_.get(), reserved_name(leaf_, new_map_ending).c_str(), 0);
  }
  if (is_in_doubt) {
    co_await compare(budget);
  }
  is_as_mapped_ = true;
}

timespec PartFile::time() const {
  struct stat status {};
  if (fstat(part_.get(), &status) != 0) fail("fstat the part of");
  return status.st_mtim;
}

/// Takes the listed chunks as verified.
Task<> PartFile::take(PartMap& map, TurnBudget budget) {
  while (const auto chunk = map.next()) {
    if (can_have(chunk->range)) note_verified(*chunk);
    if (budget.is_spent()) {
      co_await budget.loop.next_turn();
    }
  }
}

/// Whether another process has written to the part since `left`, when the last transfer wrote to its map.
Task<bool> PartFile::has_been_touched_since(timespec left, TurnBudget budget) const {
  const auto ours = time();
  if (ours.tv_sec == left.tv_sec && ours.tv_nsec == left.tv_nsec) co_return false;
  // That transfer was killed: behind the last chunk that it noted may be a part of another.
  if (ours.tv_sec > left.tv_sec + longest_chunk_time) co_return true;
  for (const auto& sample : samples_) {
    const bool is_there = co_await still_has(sample, budget);
    if (!is_there) co_return true;
  }
  co_return false;
}

/// Unchanged chunks go into a new map, which replaces the old one at the end. If this is interrupted, the
/// next transfer continues it.
Task<> PartFile::compare(TurnBudget budget) {
  verified_ = {};
  samples_.clear();
  map_ = open_map(map_ending);
  auto renewed = open_map(new_map_ending);
  if (renewed.state() == PartMap::State::good) {
    co_await take(renewed, budget);
  } else {
    renewed.restart();
  }
  while (const auto chunk = map_->next()) {
    if (!can_have(chunk->range)) continue;
    const bool is_there = co_await still_has(*chunk, budget);
    if (is_there) {
      note_verified(*chunk);
      renewed.add(*chunk);
    }
    co_await budget.loop.next_turn();
  }
  renewed.rename(folder_.get(), reserved_name(leaf_, map_ending));
  map_ = std::move(renewed);
}

void PartFile::restart() {
  verified_ = {};
  samples_.clear();
  was_there_ = false;
  loose_ = 0;
  if (!remove_maps()) fail("remove the map of");  // first: it must never speak of bytes that are gone
  if (ftruncate(part_.get(), 0) != 0) fail("truncate the part of");
  if (!map_) return;
  map_ = open_map(map_ending);
  map_->restart();
  is_as_mapped_ = true;
}

void PartFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto put = uninterrupted(
        [&] { return pwrite(part_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (put < 0) fail("write");
    loose_ += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
}

void PartFile::add_verified(const Range& range, const std::string& digest) {
  verified_.add(range);
  loose_ -= range.length;
  if (map_) map_->add({range, digest});
}

/// Holes may contain bytes of a chunk that was not completed: in an older part, or after a void chunk.
Task<> PartFile::clear_holes(std::uint64_t size, TurnBudget budget) {
  if (!was_there_ && loose_ == 0) co_return;
  static constexpr std::array<std::byte, 64 * 1024> zeros{};
  bool can_punch = true;
  const auto holes = verified_.missing_from({0, size});
  for (auto hole : holes) {
    while (hole.length > 0) {
      const auto length = can_punch ? hole.length : std::min<std::uint64_t>(hole.length, zeros.size());
      const auto offset = static_cast<off_t>(hole.offset);
      if (!can_punch)
        write(hole.offset, std::span(zeros).first(static_cast<std::size_t>(length)));
      else if (fallocate(part_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                         static_cast<off_t>(length)) != 0) {
        if (errno != EOPNOTSUPP) fail("make a hole in");
        can_punch = false;
        continue;
      }
      hole = {hole.offset + length, hole.length - length};
      if (budget.is_spent()) {
        co_await budget.loop.next_turn();
      }
    }
  }
}

Task<bool> PartFile::complete(std::uint64_t size, bool replaces, bool sync, TurnBudget budget) {
  co_await clear_holes(size, budget);
  co_await set_facts(size, sync, budget);
  if (!take_name(replaces)) co_return false;
  part_.reset();
  remove_maps();
  if (sync && fsync(folder_.get()) != 0) fail("fsync the directory of");
  co_return true;
}

/// Does in steps what fsync(2) would do in one long call, if the file system supports that.
Task<> PartFile::write_back(TurnBudget budget) {
  constexpr unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  const auto ranges = verified_.ranges();
  for (const auto& range : ranges) {
    for (auto offset = range.offset; offset < range.end(); offset += write_back_step) {
      const auto length = std::min(write_back_step, range.end() - offset);
      if (sync_file_range(part_.get(), static_cast<off_t>(offset), static_cast<off_t>(length), all) != 0) {
        if (errno == EINVAL || errno == ENOSYS || errno == EPERM || errno == ESPIPE) co_return;
        is_resumable_ = false;
        fail("fsync");
      }
      if (budget.is_spent()) {
        co_await budget.loop.next_turn();
      }
    }
  }
}

Task<> PartFile::set_facts(std::uint64_t size, bool sync, TurnBudget budget) {
  if (ftruncate(part_.get(), static_cast<off_t>(size)) != 0) fail("truncate");
  if (sync) {
    co_await write_back(budget);
  }
  // From here on nothing waits: a part that stays keeps the mode with which it can be opened again.
  if (fchmod(part_.get(), facts_.mode & ~current_umask()) != 0 && errno != EPERM) fail("chmod");
  // Of what could not be written the kernel may have let go, and the part is worth nothing then: fsync(2).
  const bool was_resumable = std::exchange(is_resumable_, false);
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{facts_.seconds, facts_.nanoseconds}};
  if (futimens(part_.get(), times.data()) != 0 && errno != EPERM) fail("set the time of");
  if (sync && fsync(part_.get()) != 0 && errno != EINVAL && errno != EROFS) fail("fsync");
  check_written({part_.get(), shown_name_, Origin::local_file, Descriptor::Kind::file});
  is_resumable_ = was_resumable;
}

/// False if another file has the name and must not be replaced.
bool PartFile::take_name(bool replaces) {
  const auto* const part = part_name_.c_str();
  const auto* const leaf = leaf_.c_str();
  if (!names_our_part())  // another process has replaced or removed the part
    throw Error(ENOENT, text("find the part of {}", shown_name_), Origin::local_file);
  if (renameat2(folder_.get(), part, folder_.get(), leaf, replaces ? 0 : RENAME_NOREPLACE) == 0) return true;
  if (errno == EINVAL && !replaces) {  // a file system that knows no RENAME_NOREPLACE
    if (linkat(folder_.get(), part, folder_.get(), leaf, 0) == 0) {
      unlinkat(folder_.get(), part, 0);
      return true;
    }
  }
  if (errno == EEXIST) return false;
  fail("rename to");
}

}  // namespace sockx
