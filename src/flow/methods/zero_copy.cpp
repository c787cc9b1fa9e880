// zerocopy: send(2) with MSG_ZEROCOPY lets the socket send from the pages of a mapped file. Over
// loopback the kernel copies them, and says so.
#include "os/zero_copy.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "flow/method.hpp"
#include "flow/methods/file_window.hpp"
#include "os/io_result.hpp"

namespace sockx {

namespace {

// On loopback windows of 256Ki made 2.9 GB/s, of 1Mi 3.3, of 4Mi 2.8.
constexpr std::size_t pinned_window = 1024 * 1024;
constexpr std::size_t most_windows = 8;        // a socket's buffer usually takes less
constexpr std::size_t least_piece = 4 * 1024;  // where the limit of locked memory asks for small ones

/// The bytes of a send count only when the socket does not need them any more: until then they are in hand
/// and their window stays mapped. The end of a send is an EPOLLERR, which wakes the coroutine that waits to
/// write.
class ZeroCopy : public Method, NonCopyable {
 public:
  explicit ZeroCopy(PlainEnds ends)
      : ends_(ends), sent_(lseek(ends_.from.fd, 0, SEEK_CUR)), confirmed_(sent_) {
    if (ends_.chunk == 0) ends_.chunk = pinned_window;
  }
  ~ZeroCopy() override { lseek(ends_.from.fd, sent_, SEEK_SET); }  // as read(2) would have left it

  std::string_view name() const override { return "zerocopy"; }
  std::uint64_t in_hand() const override { return static_cast<std::uint64_t>(sent_ - confirmed_); }
  bool is_holding() const override { return !under_way_.empty(); }
  std::string refusal() const override { return refusal_; }
  std::optional<std::uint64_t> copied() const override { return copied_; }
  std::uint64_t surplus() const override { return surplus_; }
  std::optional<off_t> position() const override { return sent_; }
  bool would_read() const override {
    return !source_ended_ && windows_.size() < most_windows &&
           (windows_.empty() || sent_ >= windows_.back().end());
  }

  Move move(std::uint64_t most) override {
    if (!is_enabled_ && !enable()) return {Move::State::refused};
    if (most > 0 && !source_ended_ && open_window(most)) {
      ++calls_;
      const auto piece = windows_.back().bytes(sent_, std::min<std::uint64_t>(most, ends_.chunk));
      const auto put = send_from_our_pages(ends_.to, piece);
      if (put.state == IoResult::State::moved) return took(put.bytes);
      if (put.state == IoResult::State::eof) source_ended_ = true;
      if (put.state == IoResult::State::refused && under_way_.empty() && can_ask_for_less()) return {};
    }
    const auto bytes = confirm();
    if (under_way_.empty() && !refusal_.empty()) return {Move::State::refused, bytes};
    if (under_way_.empty() && source_ended_) return {Move::State::ended, bytes};
    return {bytes > 0 ? Move::State::moved : Move::State::output_full, bytes};
  }

 private:
  struct Send {
    off_t end;  // of its bytes, in the file
    bool is_over = false, was_copied = false;
  };

  bool enable() {
    is_enabled_ = enable_zero_copy(ends_.to);
    ++calls_;
    if (!is_enabled_) refusal_ = text("setsockopt SO_ZEROCOPY: {}", std::strerror(errno));
    return is_enabled_;
  }

  /// Whether the last window has bytes to send, which may be a new one.
  bool open_window(std::uint64_t most) {
    if (!windows_.empty() && sent_ < windows_.back().end()) return true;
    if (windows_.size() == most_windows || !refusal_.empty()) return false;
    auto next = FileWindow::map(ends_.from, sent_, FileWindow::size_for(most, pinned_window), calls_);
    if (!next) {
      refusal_ = "the file cannot be mapped";
      return false;
    }
    source_ended_ = next->end() <= sent_;
    if (!source_ended_) windows_.push_back(std::move(*next));
    return !source_ended_;
  }

  Move took(std::size_t bytes) {
    sent_ += static_cast<off_t>(bytes);
    under_way_.push_back({sent_});
    return {};
  }

  /// There is no room for a send although none is under way.
  bool can_ask_for_less() {
    if (ends_.chunk <= least_piece) refusal_ = text("send: {}", std::strerror(ENOBUFS));
    ends_.chunk = std::max(least_piece, ends_.chunk / 2);
    return refusal_.empty();
  }

  /// Bytes that the socket needs no more, as it has said since the last time.
  std::uint64_t confirm() {
    read_notices();
    std::size_t over = 0;
    while (over < under_way_.size() && under_way_[over].is_over) ++over;
    if (over == 0) return 0;
    const auto end = under_way_[over - 1].end;
    ++calls_;
    const auto real_end = std::max(confirmed_, end_within(ends_.from, end));
    if (real_end < end) give_up_behind(real_end);
    const auto before = confirmed_;
    for (; over > 0; --over, ++first_number_, under_way_.pop_front()) {
      const auto& send = under_way_.front();
      if (send.was_copied) copied_ += static_cast<std::uint64_t>(send.end - confirmed_);
      confirmed_ = send.end;
    }
    while (!windows_.empty() && windows_.front().end() <= end) windows_.pop_front();
    return static_cast<std::uint64_t>(confirmed_ - before);
  }

  void read_notices() {
    for (;;) {
      ++calls_;
      const auto notice = next_sent_notice(ends_.to);
      if (!notice) return;
      const std::uint32_t count = notice->last - notice->first + 1;
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t place = notice->first - first_number_ + i;
        if (place >= under_way_.size()) break;
        under_way_[place].is_over = true;
        under_way_[place].was_copied = notice->copied;
      }
    }
  }

  /// Behind the end of a file that has shrunk meanwhile, its last page reads as zeros: those bytes do not
  /// count, so that the transfer is short instead of wrong.
  void give_up_behind(off_t end) {
    source_ended_ = true;
    surplus_ += static_cast<std::uint64_t>(sent_ - end);
    sent_ = end;
    for (auto& send : under_way_) send.end = std::min(send.end, end);
  }

  PlainEnds ends_;
  off_t sent_;       // the next byte to send
  off_t confirmed_;  // before this, the socket needs nothing any more
  std::deque<FileWindow> windows_;
  std::deque<Send> under_way_;      // in their order
  std::uint32_t first_number_ = 0;  // by which the socket calls the first of them
  std::uint64_t copied_ = 0, surplus_ = 0;
  bool is_enabled_ = false, source_ended_ = false;
  std::string refusal_;
};

}  // namespace

std::unique_ptr<Method> make_zero_copy(PlainEnds ends) { return std::make_unique<ZeroCopy>(ends); }

}  // namespace sockx
