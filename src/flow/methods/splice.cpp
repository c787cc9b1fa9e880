// splice: splice(2) moves pages between a pipe and the other end; without a pipe at either end, through one
// of its own.
#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "flow/method.hpp"
#include "flow/methods/own_pipe.hpp"
#include "os/calls.hpp"

namespace sockx {

namespace {

constexpr std::size_t long_stream = 1024 * 1024;  // also the largest pipe that an unprivileged user may have

/// One end is a pipe: a single call moves bytes all the way.
class Splice : public Method {
 public:
  explicit Splice(MethodEnds ends) : ends_(std::move(ends)) {
    if (ends_.chunk == 0) ends_.chunk = long_stream;
  }

  std::string_view name() const override { return "splice"; }

  Move move(std::uint64_t most) override {
    ++calls_;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, ends_.chunk));
    const auto result = splice_some(ends_.from, ends_.to, wanted);
    switch (result.state) {
      case IoResult::State::moved:
        grow_pipes_of_a_long_stream(result.bytes);
        return {Move::State::moved, result.bytes};
      case IoResult::State::eof:
        return {Move::State::ended};
      case IoResult::State::refused:
        return {Move::State::refused};
      case IoResult::State::again:
        break;
    }
    calls_ += 2;
    if (!is_readable_now(ends_.from.fd)) return {Move::State::no_input};
    if (!is_writable_now(ends_.to.fd)) return {Move::State::output_full};
    return {Move::State::either_blocks};
  }

 private:
  void grow_pipes_of_a_long_stream(std::uint64_t bytes) {
    if (moved_ < long_stream && moved_ + bytes >= long_stream)
      for (const auto* end : {&ends_.from, &ends_.to})
        if (end->kind == Descriptor::Kind::pipe) grow_pipe(end->fd, long_stream);
    moved_ += bytes;
  }

  MethodEnds ends_;
  std::uint64_t moved_ = 0;
};

/// No end is a pipe: the bytes rest in our own between two calls.
class PipedSplice : public Method {
 public:
  PipedSplice(MethodEnds ends, OwnPipe pipe) : ends_(std::move(ends)), pipe_(std::move(pipe)) {
    if (ends_.chunk == 0) ends_.chunk = pipe_.capacity();
  }

  std::string_view name() const override { return "splice"; }
  std::uint64_t in_hand() const override { return in_pipe_; }

  Move move(std::uint64_t most) override {
    if (in_pipe_ == 0) {
      ++calls_;
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, ends_.chunk));
      const auto got = splice_some(ends_.from, pipe_.in(), wanted);
      if (got.state == IoResult::State::eof) return {Move::State::ended};
      if (got.state == IoResult::State::again) return {Move::State::no_input};
      if (got.state == IoResult::State::refused) return {Move::State::refused};
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
  MethodEnds ends_;
  OwnPipe pipe_;
  std::size_t in_pipe_ = 0;
};

}  // namespace

std::unique_ptr<Method> make_splice(MethodEnds ends) { return std::make_unique<Splice>(std::move(ends)); }

std::unique_ptr<Method> make_piped_splice(MethodEnds ends) {
  auto pipe = OwnPipe::make(long_stream);
  if (!pipe) return nullptr;
  return std::make_unique<PipedSplice>(std::move(ends), std::move(*pipe));
}

}  // namespace sockx
