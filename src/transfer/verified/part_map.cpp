#include "transfer/verified/part_map.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/calls.hpp"

namespace sockx {

namespace {

constexpr std::string_view map_magic = "sockx map 1\n";
constexpr std::string_view unknown_boot = "------------------------------------";
constexpr std::size_t record_numbers = 16;  // offset and length, before the digest
constexpr std::size_t record_check = 8;     // XXH3-64 of both, behind it

/// The boot ID, see random(4). It always has the same length.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id.size() == unknown_boot.size() ? id : std::string(unknown_boot);
}

/// A map's head without the boot ID at its end.
std::string_view without_boot(std::string_view head) {
  return head.substr(0, head.size() - unknown_boot.size() - 1);
}

void append(std::string& bytes, std::uint64_t number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);  // the map stays on this machine
}

std::uint64_t number_at(std::string_view bytes, std::size_t offset) {
  std::uint64_t number = 0;
  bytes.copy(reinterpret_cast<char*>(&number), sizeof number, offset);
  return number;
}

std::size_t record_size(DigestKind kind) { return record_numbers + size_of(kind) + record_check; }

std::string record_of(const Sample& chunk) {
  std::string bytes;
  append(bytes, chunk.range.offset);
  append(bytes, chunk.range.length);
  bytes += chunk.digest;
  append(bytes, xxh3_64(bytes));
  return bytes;
}

/// Nothing for a damaged record.
std::optional<Sample> chunk_of(std::string_view record) {
  const auto checked = record.substr(0, record.size() - record_check);
  if (number_at(record, checked.size()) != xxh3_64(checked)) return {};
  return Sample{{number_at(record, 0), number_at(record, 8)}, std::string(checked.substr(record_numbers))};
}

}  // namespace

PartMap::PartMap(int folder, std::string name, std::string shown_name, const FileFacts& facts,
                 DigestKind digest)
    : name_(std::move(name)),
      shown_name_(std::move(shown_name)),
      facts_(facts),
      digest_(digest),
      file_(openat(folder, name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600)),
      size_(head().size()) {
  if (!file_) fail("create");
}

void PartMap::fail(std::string_view call) const {
  throw_errno(text("{} the map of {}", call, shown_name_), Origin::local_file);
}

std::string PartMap::head() const {
  return text("{}{} {} {}.{:09}\n{}\n", map_magic, name_of(digest_), facts_.size, facts_.seconds,
              facts_.nanoseconds, boot_id());
}

PartMap::State PartMap::state() const {
  const auto ours = head();
  const auto found = read(0, ours.size());
  if (!found.starts_with(map_magic)) return State::none;
  if (found.size() < ours.size() || without_boot(found) != without_boot(ours)) return State::of_another;
  return found == ours && !ours.ends_with(text("{}\n", unknown_boot)) ? State::good : State::in_doubt;
}

std::optional<Sample> PartMap::next() {
  const auto record = read(size_, record_size(digest_));
  auto chunk = record.size() < record_size(digest_) ? std::nullopt : chunk_of(record);
  if (chunk)
    size_ += record.size();
  else
    truncate(size_);
  return chunk;
}

void PartMap::restart() {
  const auto ours = head();
  truncate(0);
  write(0, ours);
  size_ = ours.size();
}

void PartMap::add(const Sample& chunk) {
  const auto record = record_of(chunk);
  write(size_, record);
  size_ += record.size();
}

timespec PartMap::time() const {
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) fail("fstat");
  return status.st_mtim;
}

void PartMap::set_time(const timespec& time) const {
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, time};
  if (futimens(file_.get(), times.data()) != 0) fail("set the time of");
}

void PartMap::rename(int folder, std::string name) {
  if (renameat(folder, name_.c_str(), folder, name.c_str()) != 0) fail("rename");
  name_ = std::move(name);
}

std::string PartMap::read(std::uint64_t offset, std::size_t size) const {
  std::string bytes(size, '\0');
  const auto got = pread(file_.get(), bytes.data(), size, static_cast<off_t>(offset));
  if (got < 0) fail("read");
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

/// A partly written record ends the list: later chunks are sent again.
void PartMap::write(std::uint64_t offset, std::string_view bytes) const {
  const auto put = uninterrupted(
      [&] { return pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
  if (put < 0) fail("write");
}

void PartMap::truncate(std::uint64_t size) const {
  if (ftruncate(file_.get(), static_cast<off_t>(size)) != 0) fail("truncate");
}

}  // namespace sockx
