#include "flow/side_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/bytes.hpp"
#include "os/last_chance.hpp"
#include "os/output_file.hpp"

namespace sockx {

namespace {

/// To empty the file that is read, or written, would destroy what the stream is about.
bool is_standard_stream(const struct stat& file) {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO}) {
    struct stat standard {};
    if (fstat(number, &standard) != 0) throw_errno(text("fstat {}", number), Origin::local_file);
    if (standard.st_dev == file.st_dev && standard.st_ino == file.st_ino) return true;
  }
  return false;
}

UniqueFd open_to_write(const std::string& path, SideFile::Begin begin) {
  auto fd = open_to_append(path);
  if (!fd) return fd;
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throw_errno(text("fstat {}", path), Origin::local_file);
  if (!S_ISREG(status.st_mode)) return fd;
  if (is_standard_stream(status))
    throw BadInput(text("'{}': that is the file of standard input or output itself", path));
  if (begin == SideFile::Begin::anew && ftruncate(fd.get(), 0) < 0)
    throw_errno(text("truncate {}", path), Origin::local_file);
  return fd;
}

}  // namespace

SideFile::SideFile(const std::string& path, Begin begin) : path_(path), begin_(begin) { is_open(); }

bool SideFile::is_open() {
  if (fd_) return true;
  fd_ = open_to_write(path_, begin_);
  if (fd_) file_ = describe(fd_.get(), path_, Origin::local_file);
  return static_cast<bool>(fd_);
}

SideFile::~SideFile() {
  const auto flush_some = [this] {
    flush();
    return left_.size();
  };
  try {
    is_open();  // a reader that has come meanwhile sees an end at least
    give_last_chance(fd_.get(), std::chrono::seconds(2), flush_some);
  } catch (const std::exception&) {
    return;  // its reader has closed
  }
}

void SideFile::put(std::span<const std::byte> bytes) {
  left_.insert(left_.end(), bytes.begin(), bytes.end());
  flush();
}

bool SideFile::flush() {
  if (!left_.empty() && !is_open()) return false;
  std::size_t written = 0;
  while (written < left_.size()) {
    const auto put = write_some(file_, std::span(left_).subspan(written));
    if (put.state != IoResult::State::moved) break;
    written += put.bytes;
  }
  left_.erase(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(written));
  return left_.empty();
}

}  // namespace sockx
