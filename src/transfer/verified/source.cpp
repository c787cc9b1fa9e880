#include "transfer/verified/source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/file_reader.hpp"
#include "os/calls.hpp"
#include "os/standard_streams.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

namespace {

bool has_content(int fd) {
  char byte = 0;
  return uninterrupted([&] { return pread(fd, &byte, 1, 0); }) > 0;
}

}  // namespace

SourceFile::SourceFile(const std::string& path, bool is_named) {
  if (path == "-") {
    fd_ = take_standard_input();
    described_ = describe_standard_stream(0);
  } else {
    const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    fd_ = UniqueFd(open(path.c_str(), is_named ? flags : flags | O_NOFOLLOW));
    if (!fd_) throw_errno(text("open {}", path), Origin::local_file);
    described_ = describe(fd_.get(), path, Origin::local_file);
  }
  if (fstat(fd_.get(), &status_) != 0) throw_errno(text("fstat {}", path), Origin::local_file);
  has_size_ = described_.is_file() && path != "-" && (status_.st_size > 0 || !has_content(fd_.get()));
}

SourceFile SourceFile::again() const {
  SourceFile other;
  other.fd_ = UniqueFd(open(text("/proc/self/fd/{}", fd_.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!other.fd_) throw_errno(text("open {} again", described_.name), Origin::local_file);
  other.described_ = described_;
  other.described_.fd = other.fd_.get();
  other.status_ = status_;
  other.has_size_ = has_size_;
  return other;
}

bool SourceFile::has_changed() const {
  struct stat now {};
  return fstat(fd_.get(), &now) != 0 || now.st_size != status_.st_size ||
         now.st_mtim.tv_sec != status_.st_mtim.tv_sec || now.st_mtim.tv_nsec != status_.st_mtim.tv_nsec;
}

Task<std::vector<Range>> SourceFile::data(TurnBudget budget) const {
  const off_t size = status_.st_size;
  const std::vector<Range> all{{0, this->size()}};
  constexpr off_t block = 512;  // of st_blocks, see stat(3type)
  if (status_.st_blocks * block >= size) co_return all;
  std::vector<Range> data;
  for (off_t offset = 0; offset < size;) {
    const off_t begin = lseek(fd_.get(), offset, SEEK_DATA);
    if (begin < 0 && errno != ENXIO) co_return all;
    if (begin < 0 || begin >= size) break;
    const off_t hole = lseek(fd_.get(), begin, SEEK_HOLE);
    offset = hole < 0 ? size : std::min(hole, size);
    data.push_back({static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(offset - begin)});
    if (data.size() > most_stretches / 2) co_return all;
    if (budget.is_spent()) {
      co_await budget.loop.next_turn();
    }
  }
  co_return data;
}

void SourceFile::seek(std::uint64_t offset) const {
  if (lseek(fd_.get(), static_cast<off_t>(offset), SEEK_SET) < 0)
    throw_errno(text("seek in {}", described_.name), Origin::local_file);
}

void SourceFile::read_piece(std::uint64_t offset, std::span<std::byte> piece) const {
  while (!piece.empty()) {
    const auto begun = Clock::now();
    const auto got = uninterrupted(
        [&] { return pread(fd_.get(), piece.data(), piece.size(), static_cast<off_t>(offset)); });
    if (got < 0) throw_errno(text("read {}", described_.name), Origin::local_file);
    if (got == 0) throw SourceChanged();
    piece = piece.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
    calls_.note_read(fd_.get(), Clock::now() - begun, static_cast<std::uint64_t>(got),
                     static_cast<off_t>(offset));
  }
}

/// Has a thread read what is next of the range into the page cache.
Task<> SourceFile::read_beside_loop(Range range, EventLoop& loop) const {
  if (range.offset >= in_cache_.offset && range.offset < in_cache_.end()) co_return;
  in_cache_ = {range.offset, std::min(calls_.bytes(), range.length)};
  const auto read =
      co_await read_beside(loop, fd_.get(), static_cast<off_t>(in_cache_.offset), in_cache_.length);
  calls_.note_thread(read, in_cache_.length);
  calls_.note_read(fd_.get(), read.took, in_cache_.length, static_cast<off_t>(in_cache_.end()));
}

Task<> SourceFile::read(std::uint64_t offset, std::span<std::byte> bytes, TurnBudget budget) const {
  while (!bytes.empty()) {
    if (calls_.needs_thread()) {
      co_await read_beside_loop({offset, bytes.size()}, budget.loop);
    }
    calls_.begin_turn();
    const auto piece = bytes.first(static_cast<std::size_t>(std::min(bytes.size(), calls_.bytes())));
    read_piece(offset, piece);
    bytes = bytes.subspan(piece.size());
    offset += piece.size();
    if (budget.is_spent()) {
      co_await budget.loop.next_turn();
    }
  }
}

Task<std::string> SourceFile::digest_of(Range range, Hasher& hasher, TurnBudget budget) const {
  while (range.length > 0) {
    if (calls_.needs_thread()) {
      co_await read_beside_loop(range, budget.loop);
    }
    calls_.begin_turn();
    const auto buffer = budget.loop.scratch();
    const auto piece =
        buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), range.length)));
    try {
      read_piece(range.offset, piece);
    } catch (...) {
      hasher.finish();  // the next digest is of something else
      throw;
    }
    hasher.add(piece);
    range = {range.offset + piece.size(), range.length - piece.size()};
    if (budget.is_spent()) {
      co_await budget.loop.next_turn();
    }
  }
  co_return hasher.finish();
}

}  // namespace sockx
