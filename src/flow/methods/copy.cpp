// copy: read(2) into a buffer and write(2) from it. It works everywhere.
#include <algorithm>
#include <memory>
#include <span>

#include "flow/method.hpp"

namespace sockx {

namespace {

class Copy : public Method {
 public:
  Copy(MethodEnds ends, const std::vector<std::byte>& in_hand)
      : ends_(ends), size_(ends_.chunk == 0 ? 64 * 1024 : ends_.chunk), end_(in_hand.size()) {
    // Not cleared, and so in no memory yet: who sends little, or nothing, never touches most of its pages.
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(std::max(size_, end_));
    std::ranges::copy(in_hand, buffer_.get());
  }

  std::string_view name() const override { return "read-write"; }
  std::uint64_t in_hand() const override { return end_ - begin_; }
  /// Small messages go faster by recv and send; two full buffers in a row are no small messages.
  bool would_rather_splice() const override {
    return full_reads_ >= 2 && in_hand() == 0 && ends_.are_plain();
  }

  Move move(std::uint64_t most) override {
    bool came_short = false;  // what has been read just now was all that there was
    if (begin_ == end_) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, size_));
      ++calls_;
      const auto got = ends_.from.read_some(std::span(buffer_.get(), wanted));
      if (got.state == IoResult::State::eof) return {Move::State::ended};
      if (got.state == IoResult::State::again) return {Move::State::no_input};
      full_reads_ = got.bytes == size_ ? full_reads_ + 1 : 0;
      came_short =
          ends_.from.is_plain() && ends_.from.facts().kind == Descriptor::Kind::tcp && got.bytes < wanted;
      begin_ = 0;
      end_ = got.bytes;
    }
    ++calls_;
    const auto put = ends_.to.write_some(std::span(buffer_.get() + begin_, end_ - begin_));
    if (put.state != IoResult::State::moved) return {Move::State::output_full};
    begin_ += put.bytes;
    return {came_short && begin_ == end_ ? Move::State::drained : Move::State::moved, put.bytes};
  }

 private:
  MethodEnds ends_;
  std::size_t size_;
  std::size_t begin_ = 0, end_;  // what is in hand
  std::unique_ptr<std::byte[]> buffer_;
  unsigned full_reads_ = 0;
};

}  // namespace

std::unique_ptr<Method> make_copy(MethodEnds ends, std::vector<std::byte> in_hand) {
  return std::make_unique<Copy>(ends, in_hand);
}

}  // namespace sockx
