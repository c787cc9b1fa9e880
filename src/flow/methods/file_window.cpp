#include "flow/methods/file_window.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/file_advice.hpp"

namespace sockx {

std::optional<FileWindow> FileWindow::map(const Descriptor& file, off_t position, std::size_t size,
                                          std::uint64_t& calls) {
  struct stat status {};
  ++calls;
  if (position < 0 || fstat(file.fd, &status) != 0) return {};
  if (status.st_size == 0) return {};  // files of /proc have something to read all the same
  FileWindow window;
  window.begin_ = position & ~static_cast<off_t>(sysconf(_SC_PAGESIZE) - 1);
  window.end_ = std::min<off_t>(status.st_size, window.begin_ + static_cast<off_t>(size));
  if (window.end_ <= position) return window;
  const auto length = static_cast<std::size_t>(window.end_ - window.begin_);
  begin_to_read(file.fd, window.begin_, length);
  calls += 2;
  void* const mapped = mmap(nullptr, length, PROT_READ, MAP_SHARED | MAP_POPULATE, file.fd, window.begin_);
  if (mapped == MAP_FAILED) return {};
  window.memory_ = {static_cast<std::byte*>(mapped), {length, &calls}};
  return window;
}

std::span<const std::byte> FileWindow::bytes(off_t position, std::uint64_t most) const {
  if (position >= end_) return {};
  const auto left = std::min<std::uint64_t>(most, static_cast<std::uint64_t>(end_ - position));
  return {memory_.get() + (position - begin_), static_cast<std::size_t>(left)};
}

void FileWindow::Unmap::operator()(std::byte* memory) const {
  ++*calls;
  munmap(memory, length);
}

off_t end_within(const Descriptor& file, off_t end) {
  struct stat status {};
  if (fstat(file.fd, &status) != 0) throw_errno(text("fstat {}", file.name), file.origin);
  return std::min(end, status.st_size);
}

}  // namespace sockx
