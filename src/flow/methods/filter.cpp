// filter: read(2), the stages, and write(2).
#include <algorithm>
#include <span>

#include "flow/method.hpp"

namespace sockx {

namespace {

class Filter : public Method {
 public:
  Filter(MethodEnds ends, Processing processing)
      : ends_(ends),
        processing_(std::move(processing)),
        line_delay_(processing_.line_delay),
        buffer_(64 * 1024) {}

  std::string_view name() const override { return "read-write"; }
  std::uint64_t in_hand() const override { return bytes_.size() - begin_; }

  Move move(std::uint64_t most) override {
    if (begin_ == bytes_.size()) {
      if (!have_caught_up(processing_.stages)) return held_for_a_moment();
      if (has_ended_) return ended();
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, buffer_.size()));
      ++calls_;
      const auto got = ends_.from.read_some(std::span(buffer_).first(wanted));
      bytes_.assign(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(got.bytes));
      begin_ = 0;
      if (got.state == IoResult::State::eof) return ended();
      if (got.state == IoResult::State::again) return {Move::State::no_input};
      pass_through(processing_.stages, bytes_);
    }
    auto piece = std::span(bytes_).subspan(begin_);
    if (line_delay_.is_on()) {
      if (const auto next = line_delay_.next_line(); Clock::now() < next) return held_until(next);
      const auto newline = std::find(piece.begin(), piece.end(), std::byte{'\n'});
      if (newline != piece.end()) piece = piece.first(static_cast<std::size_t>(newline - piece.begin()) + 1);
    }
    ++calls_;
    const auto put = ends_.to.write_some(piece);
    if (put.state != IoResult::State::moved) return {Move::State::output_full};
    begin_ += put.bytes;
    line_delay_.wrote(piece[put.bytes - 1] == std::byte{'\n'});
    return {Move::State::moved, put.bytes};
  }

 private:
  Move ended() {
    has_ended_ = true;
    const auto next = line_delay_.next_line();
    if (processing_.delays_end && Clock::now() < next) return held_until(next);
    return {Move::State::ended};
  }

  MethodEnds ends_;
  Processing processing_;
  LineDelay line_delay_;
  std::vector<std::byte> buffer_;
  std::vector<std::byte> bytes_;  // read and passed through the stages
  std::size_t begin_ = 0;         // of what has not been written
  bool has_ended_ = false;
};

}  // namespace

std::unique_ptr<Method> make_filter(MethodEnds ends, Processing processing) {
  return std::make_unique<Filter>(ends, std::move(processing));
}

}  // namespace sockx
