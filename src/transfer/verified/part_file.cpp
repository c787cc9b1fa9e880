#include "transfer/verified/part_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "flow/event_loop.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/hexadecimal.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

constexpr std::string_view map_magic = "sockx map 1\n";
constexpr std::size_t record_numbers = 16;  // offset and length, before the digest
constexpr std::size_t record_check = 8;     // XXH3-64 of both, behind it

/// Another one after each start of the machine: random(4).
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

mode_t file_mode_mask() {
  const mode_t mask = umask(0);
  umask(mask);
  return mask;
}

void append(std::string& bytes, std::uint64_t number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);  // the map stays on this machine
}

std::uint64_t number_at(std::string_view bytes, std::size_t offset) {
  std::uint64_t number = 0;
  bytes.copy(reinterpret_cast<char*>(&number), sizeof number, offset);
  return number;
}

std::string name_beside(std::string_view leaf, const char* what) {
  return text(".sockx-{}.{}", hexadecimal(xxh3_128(leaf)), what);
}

/// The machine's start is the last part of a map's head, and may differ.
std::string facts_part(std::string_view head) {
  return std::string(head.substr(0, head.rfind('\n', head.size() - 2)));
}

}  // namespace

struct PartFile::MapRecord {
  Range range;
  std::string digest;

  static std::size_t size(DigestKind kind) { return record_numbers + size_of(kind) + record_check; }
  std::string bytes() const {
    std::string bytes;
    append(bytes, range.offset);
    append(bytes, range.length);
    bytes += digest;
    append(bytes, xxh3_64(bytes));
    return bytes;
  }
  static std::optional<MapRecord> read(std::string_view bytes) {
    const auto checked = bytes.substr(0, bytes.size() - record_check);
    if (number_at(bytes, checked.size()) != xxh3_64(checked)) return {};
    return MapRecord{{number_at(bytes, 0), number_at(bytes, 8)}, std::string(checked.substr(record_numbers))};
  }
};

PartFile::PartFile(Place place, std::string shown_name, const FileFacts& facts, DigestKind digest,
                   bool is_resumable)
    : folder_(openat(place.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      leaf_(std::move(place.leaf)),
      shown_name_(std::move(shown_name)),
      facts_(facts),
      digest_(digest),
      is_resumable_(is_resumable) {
  if (!folder_) fail("open the folder of");
  part_name_ = name_beside(leaf_, "part");
  map_name_ = name_beside(leaf_, "map");
  open_part();
  if (is_resumable_)
    open_map();
  else
    restart();
}

void PartFile::clear(const Place& place) {
  struct stat status {};
  if (fstatat(place.folder, name_beside(place.leaf, "part").c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
    return;  // of another transfer
  unlinkat(place.folder, name_beside(place.leaf, "map").c_str(), 0);
}

PartFile::~PartFile() {
  if (!part_) return;  // it has its name
  if (is_resumable_ && verified_.bytes() > 0) return;
  unlinkat(folder_.get(), part_name_.c_str(), 0);
  if (map_) unlinkat(folder_.get(), map_name_.c_str(), 0);
}

void PartFile::fail(std::string_view call) const {
  throw_errno(text("{} {}", call, shown_name_), Origin::local_file);
}

/// Between our opening and our locking, another transfer may have completed the part, which then is a file
/// with a name that we must not touch.
void PartFile::open_part() {
  for (;;) {
    UniqueFd part(openat(folder_.get(), part_name_.c_str(),
                         O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
    if (!part) fail("create a part of");
    if (flock(part.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) errno = EBUSY;  // "Device or resource busy" says it better
      fail("lock the part of");
    }
    struct stat ours {
    }, named{};
    if (fstat(part.get(), &ours) != 0) fail("fstat the part of");
    const bool is_named = fstatat(folder_.get(), part_name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
                          named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
    if (!is_named) continue;
    if (!S_ISREG(ours.st_mode) || ours.st_uid != geteuid() || ours.st_nlink != 1)
      throw Error(EPERM, text("use {}, which somebody else has made, for {}", part_name_, shown_name_),
                  Origin::local_file);
    was_there_ = ours.st_size > 0;
    part_ = std::move(part);
    return;
  }
}

void PartFile::open_map() {
  map_ = UniqueFd(
      openat(folder_.get(), map_name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
  if (!map_) fail("create a map of");
}

std::string PartFile::map_head() const {
  return text("{}{} {} {}.{:09}\n{}\n", map_magic, name_of(digest_), facts_.size, facts_.seconds,
              facts_.nanoseconds, boot_id());
}

std::string PartFile::read_map(std::uint64_t offset, std::size_t size) const {
  std::string bytes(size, '\0');
  const auto got = pread(map_.get(), bytes.data(), size, static_cast<off_t>(offset));
  if (got < 0) fail("read the map of");
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

bool PartFile::still_has(const Range& range, const std::string& digest) const {
  Hasher hasher(digest_);
  std::array<std::byte, 64 * 1024> piece;
  for (auto offset = range.offset; offset < range.end();) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), range.end() - offset));
    const auto got = pread(part_.get(), piece.data(), wanted, static_cast<off_t>(offset));
    if (got < 0) fail("read the part of");
    if (got == 0) return false;
    hasher.add(std::span(piece).first(static_cast<std::size_t>(got)));
    offset += static_cast<std::uint64_t>(got);
  }
  return hasher.finish() == digest;
}

void PartFile::keep_as_sample(const Range& range, const std::string& digest) {
  if (samples_.size() < most_samples) {
    samples_.push_back({range, digest});
    return;
  }
  // The first stays, the last is replaced each time, and every so often one between moves on.
  if (verified_.bytes() / largest_chunk % 16 == 0)
    std::rotate(samples_.begin() + 1, samples_.begin() + 2, samples_.end());
  samples_.back() = {range, digest};
}

Task<> PartFile::resume() {
  const auto head = map_head();
  const auto found = read_map(0, head.size());
  const bool is_ours =
      found.starts_with(map_magic) && found.size() == head.size() && facts_part(found) == facts_part(head);
  if (!was_there_ || !is_ours) {
    has_changed_ = was_there_ && found.starts_with(map_magic);
    restart();
    co_return;
  }
  auto& loop = co_await this_loop();
  struct stat status {};
  if (fstat(part_.get(), &status) != 0) fail("fstat the part of");
  const bool in_doubt = found != head;
  const auto record_size = MapRecord::size(digest_);
  for (map_size_ = head.size();; map_size_ += record_size) {
    const auto bytes = read_map(map_size_, record_size);
    if (bytes.size() < record_size) break;
    const auto record = MapRecord::read(bytes);
    if (!record) break;  // torn
    const auto& [range, digest] = *record;
    if (range.length > largest_chunk || range.end() > static_cast<std::uint64_t>(status.st_size) ||
        verified_.overlaps(range) || (in_doubt && !still_has(range, digest)))
      continue;
    verified_.add(range);
    keep_as_sample(range, digest);
    if (in_doubt) co_await loop.next_turn();
  }
  if (ftruncate(map_.get(), static_cast<off_t>(map_size_)) != 0) fail("truncate the map of");
}

void PartFile::restart() {
  verified_ = {};
  samples_.clear();
  was_there_ = false;
  if (ftruncate(part_.get(), 0) != 0) fail("truncate the part of");
  if (!map_) return;
  const auto head = map_head();
  if (ftruncate(map_.get(), 0) != 0) fail("truncate the map of");
  if (pwrite(map_.get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
    fail("write the map of");
  map_size_ = head.size();
}

void PartFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto put = uninterrupted(
        [&] { return pwrite(part_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (put < 0) fail("write");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
}

void PartFile::add_verified(const Range& range, const std::string& digest) {
  verified_.add(range);
  if (!map_) return;
  const auto record = MapRecord{range, digest}.bytes();
  const auto put = uninterrupted(
      [&] { return pwrite(map_.get(), record.data(), record.size(), static_cast<off_t>(map_size_)); });
  if (put < 0) fail("write the map of");
  map_size_ += static_cast<std::uint64_t>(put);
}

/// A part that was there before may have bytes of a chunk that never became whole where now a hole is.
void PartFile::clear_holes(std::uint64_t size) {
  if (!was_there_) return;
  for (const auto& hole : verified_.missing_from({0, size})) {
    if (fallocate(part_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(hole.offset),
                  static_cast<off_t>(hole.length)) == 0)
      continue;
    if (errno != EOPNOTSUPP) fail("make a hole in");
    static constexpr std::array<std::byte, 64 * 1024> zeros{};
    for (auto offset = hole.offset; offset < hole.end(); offset += zeros.size())
      write(offset, std::span(zeros).first(static_cast<std::size_t>(
                        std::min<std::uint64_t>(zeros.size(), hole.end() - offset))));
  }
}

bool PartFile::complete(std::uint64_t size, bool replaces, bool sync) {
  clear_holes(size);
  if (ftruncate(part_.get(), static_cast<off_t>(size)) != 0) fail("truncate");
  if (fchmod(part_.get(), facts_.mode & ~file_mode_mask()) != 0 && errno != EPERM) fail("chmod");
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{facts_.seconds, facts_.nanoseconds}};
  if (futimens(part_.get(), times.data()) != 0 && errno != EPERM) fail("set the time of");
  if (sync && fsync(part_.get()) != 0 && errno != EINVAL && errno != EROFS) fail("fsync");
  check_written({part_.get(), shown_name_, Origin::local_file, Descriptor::Kind::file});
  if (renameat2(folder_.get(), part_name_.c_str(), folder_.get(), leaf_.c_str(),
                replaces ? 0 : RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return false;
    fail("rename to");
  }
  part_.reset();
  if (map_ && unlinkat(folder_.get(), map_name_.c_str(), 0) != 0) fail("remove the map of");
  if (sync && fsync(folder_.get()) != 0) fail("fsync the folder of");
  return true;
}

}  // namespace sockx
