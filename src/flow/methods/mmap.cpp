// mmap: a window of the file is mapped and written to the sink: one copy less than read(2), but the pages
// have to be mapped. The window moves, because a mapping of the whole file would count as memory of ours, and
// would be a SIGBUS when the file shrinks: only write(2) reads the window, which then says EFAULT.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "flow/method.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

constexpr std::size_t window_size = 4 * 1024 * 1024;

class Mmap : public Method {
 public:
  explicit Mmap(MethodEnds ends) : ends_(std::move(ends)), position_(lseek(ends_.from.fd, 0, SEEK_CUR)) {
    if (ends_.chunk == 0) ends_.chunk = window_size;
  }
  ~Mmap() override {
    unmap();
    lseek(ends_.from.fd, position_, SEEK_SET);  // as read(2) would have left it
  }
  Mmap(const Mmap&) = delete;
  Mmap& operator=(const Mmap&) = delete;

  std::string_view name() const override { return "mmap"; }

  Move move(std::uint64_t most) override {
    if (!covers_position() && !map_window()) return {Move::State::refused};
    const auto left = std::min<std::uint64_t>(most, static_cast<std::uint64_t>(end_ - position_));
    if (left == 0) return {Move::State::ended};
    ++calls_;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, ends_.chunk));
    try {
      const auto put = write_some(ends_.to, {window_ + (position_ - begin_), wanted});
      if (put.state != IoResult::State::moved) return {Move::State::output_full};
      return {Move::State::moved, advance(put.bytes)};
    } catch (const Error& error) {
      if (error.number() != EFAULT) throw;
      return {Move::State::ended};  // the file has shrunk below the window
    }
  }

 private:
  /// Behind the end of a file that has shrunk meanwhile, its last page reads as zeros: those bytes do not
  /// count, so that the transfer is short instead of wrong.
  std::uint64_t advance(std::size_t bytes) {
    struct stat status {};
    ++calls_;
    if (fstat(ends_.from.fd, &status) != 0) throw_errno(text("fstat {}", ends_.from.name), ends_.from.origin);
    const off_t begin = std::exchange(position_, position_ + static_cast<off_t>(bytes));
    if (status.st_size >= position_) return bytes;
    position_ = end_ = std::max(begin, status.st_size);
    return static_cast<std::uint64_t>(position_ - begin);
  }

  bool covers_position() const { return window_ != nullptr && position_ < end_; }

  /// Maps the window that begins at the position's page. False when the source cannot be mapped.
  bool map_window() {
    unmap();
    struct stat status {};
    ++calls_;
    if (position_ < 0 || fstat(ends_.from.fd, &status) != 0) return false;
    begin_ = position_ & ~static_cast<off_t>(sysconf(_SC_PAGESIZE) - 1);
    end_ = std::min<off_t>(status.st_size, begin_ + static_cast<off_t>(window_size));
    if (end_ <= position_) {
      end_ = position_;
      return status.st_size > 0;  // files of /proc have size 0 and something to read all the same
    }
    length_ = static_cast<std::size_t>(end_ - begin_);
    ++calls_;
    void* const mapped = mmap(nullptr, length_, PROT_READ, MAP_SHARED | MAP_POPULATE, ends_.from.fd, begin_);
    if (mapped == MAP_FAILED) return false;
    window_ = static_cast<std::byte*>(mapped);
    return true;
  }

  void unmap() {
    if (window_ == nullptr) return;
    ++calls_;
    munmap(window_, length_);
    window_ = nullptr;
  }

  MethodEnds ends_;
  off_t position_;             // the next byte to send
  off_t begin_ = 0, end_ = 0;  // the window's place in the file
  std::byte* window_ = nullptr;
  std::size_t length_ = 0;
};

}  // namespace

std::unique_ptr<Method> make_mmap(MethodEnds ends) { return std::make_unique<Mmap>(std::move(ends)); }

}  // namespace sockx
