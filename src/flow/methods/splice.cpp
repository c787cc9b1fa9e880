// splice: splice(2) moves pages between a pipe and the other end; without a pipe at either end, through one
// of its own.
#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "flow/method.hpp"
#include "flow/methods/own_pipe.hpp"
#include "os/bytes.hpp"
#include "os/calls.hpp"
#include "os/pipe.hpp"

namespace sockx {

namespace {

constexpr std::size_t worth_making_for_file = 256 * 1024;
constexpr std::size_t long_stream = 1024 * 1024;  // also the largest pipe that an unprivileged user may have

class Splicing : public Method {
 public:
  std::string_view name() const override { return "splice"; }
  std::string refusal() const override {
    return is_stopped_by_urgent_data_ ? "splice does not get past urgent data" : Method::refusal();
  }

 protected:
  explicit Splicing(PlainEnds ends) : ends_(ends) {}

  IoResult take(const Descriptor& to, std::size_t most) {
    ++calls_;
    return splice_some(ends_.from, to, most);
  }
  /// Where a byte was sent as urgent (tcp(7)), splice(2) finds nothing for ever, or the end; recv(2) gets
  /// past it.
  bool is_stopped_by_urgent_data() {
    is_stopped_by_urgent_data_ = is_at_urgent_mark(ends_.from);
    return is_stopped_by_urgent_data_;
  }

  PlainEnds ends_;

 private:
  bool is_stopped_by_urgent_data_ = false;
};

/// One end is a pipe: a single call moves bytes all the way.
class Splice : public Splicing {
 public:
  explicit Splice(PlainEnds ends) : Splicing(ends) {
    if (ends_.chunk == 0) ends_.chunk = long_stream;
  }

  Move move(std::uint64_t most) override {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, ends_.chunk));
    const auto result = take(ends_.to, wanted);
    switch (result.state) {
      case IoResult::State::moved:
        grow_pipes_of_a_long_stream(result.bytes);
        return {Move::State::moved, result.bytes};
      case IoResult::State::eof:
        return {is_stopped_by_urgent_data() ? Move::State::refused : Move::State::ended};
      case IoResult::State::refused:
        return {Move::State::refused};
      case IoResult::State::again:
        break;
    }
    ++calls_;
    const auto now = ready_ends_now(ends_.from.fd, ends_.to.fd);
    if (!now.is_readable) return {Move::State::no_input};
    if (!now.is_writable) return {Move::State::output_full};
    return {is_stopped_by_urgent_data() ? Move::State::refused : Move::State::either_blocks};
  }

 private:
  void grow_pipes_of_a_long_stream(std::uint64_t bytes) {
    if (moved_ < long_stream && moved_ + bytes >= long_stream)
      for (const auto* end : {&ends_.from, &ends_.to})
        if (end->kind == Descriptor::Kind::pipe) grow_pipe(end->fd, long_stream);
    moved_ += bytes;
  }

  std::uint64_t moved_ = 0;
};

/// No end is a pipe: between two calls the bytes are in a pipe of its own.
class PipedSplice : public Splicing {
 public:
  PipedSplice(PlainEnds ends, OwnPipe pipe) : Splicing(ends), pipe_(std::move(pipe)) {
    if (ends_.chunk == 0) ends_.chunk = pipe_.capacity();
  }

  std::uint64_t in_hand() const override { return in_pipe_; }

  Move move(std::uint64_t most) override {
    if (in_pipe_ == 0) {
      const auto got = take(pipe_.in(), static_cast<std::size_t>(std::min<std::uint64_t>(most, ends_.chunk)));
      const bool is_stopped = got.state == IoResult::State::again || got.state == IoResult::State::eof;
      if (got.state == IoResult::State::refused || (is_stopped && is_stopped_by_urgent_data()))
        return {Move::State::refused};
      if (got.state == IoResult::State::eof) return {Move::State::ended};
      if (got.state == IoResult::State::again) return {Move::State::no_input};
      in_pipe_ = got.bytes;
    }
    ++calls_;
    const auto put = splice_some(pipe_.out(), ends_.to, in_pipe_);
    if (put.state == IoResult::State::refused) return {Move::State::refused};
    if (put.state != IoResult::State::moved) return {Move::State::output_full};
    in_pipe_ -= put.bytes;
    return {Move::State::moved, put.bytes};
  }

  std::vector<std::byte> surrender() override { return pipe_.take(std::exchange(in_pipe_, 0)); }

 private:
  OwnPipe pipe_;
  std::size_t in_pipe_ = 0;
};

}  // namespace

std::unique_ptr<Method> make_splice(PlainEnds ends) { return std::make_unique<Splice>(ends); }

std::unique_ptr<Method> make_piped_splice(PlainEnds ends) {
  auto pipe = OwnPipe::make(long_stream);
  if (!pipe || (ends.from.is_file() && pipe->capacity() < worth_making_for_file)) return nullptr;
  return std::make_unique<PipedSplice>(ends, std::move(*pipe));
}

}  // namespace sockx
