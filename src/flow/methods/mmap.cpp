// mmap: a window of the file is mapped and written to the sink: one copy less than read(2), but the pages
// have to be mapped.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "flow/method.hpp"
#include "flow/methods/file_window.hpp"
#include "os/bytes.hpp"

namespace sockx {

namespace {

constexpr std::size_t window_size = CallSize::usual_most;

class Mmap : public Method, NonCopyable {
 public:
  explicit Mmap(PlainEnds ends) : ends_(ends), position_(lseek(ends_.from.fd, 0, SEEK_CUR)) {
    if (ends_.chunk == 0) ends_.chunk = window_size;
  }
  ~Mmap() override { lseek(ends_.from.fd, position_, SEEK_SET); }  // as read(2) would have left it

  std::string_view name() const override { return "mmap"; }
  std::uint64_t surplus() const override { return surplus_; }
  std::optional<off_t> position() const override { return position_; }
  bool would_read() const override { return !window_ || position_ >= window_->end(); }

  Move move(std::uint64_t most) override {
    if (!window_ || position_ >= window_->end()) {
      window_.reset();
      window_ = FileWindow::map(ends_.from, position_, FileWindow::size_for(most, window_size), calls_);
      if (!window_) return {Move::State::refused};
    }
    const auto piece = window_->bytes(position_, std::min<std::uint64_t>(most, ends_.chunk));
    if (piece.empty()) return {Move::State::ended};
    ++calls_;
    try {
      const auto put = write_some(ends_.to, piece);
      if (put.state != IoResult::State::moved) return {Move::State::output_full};
      return advance(put.bytes);
    } catch (const Error& error) {
      if (error.number() != EFAULT) throw;
      return {Move::State::ended};  // the file has shrunk below the window
    }
  }

 private:
  /// Behind the end of a file that has shrunk meanwhile, its last page reads as zeros: those bytes do not
  /// count, so that the transfer is short instead of wrong.
  Move advance(std::size_t bytes) {
    const auto end = position_ + static_cast<off_t>(bytes);
    ++calls_;
    const auto real_end = std::max(position_, end_within(ends_.from, end));
    surplus_ += static_cast<std::uint64_t>(end - real_end);
    const auto counted = static_cast<std::uint64_t>(real_end - std::exchange(position_, real_end));
    return {real_end < end ? Move::State::ended : Move::State::moved, counted};
  }

  PlainEnds ends_;
  off_t position_;  // the next byte to send
  std::uint64_t surplus_ = 0;
  std::optional<FileWindow> window_;
};

}  // namespace

std::unique_ptr<Method> make_mmap(PlainEnds ends) { return std::make_unique<Mmap>(ends); }

}  // namespace sockx
