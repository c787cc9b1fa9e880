// io-uring: the kernel splices the file through a pipe into the socket by itself; it is asked for some
// megabytes at a time, by one call.
//
// This is the fastest way to send a file by a ring. On loopback under reno, two cores, 512 MiB, GB/s:
// spliced 14, read into registered buffers and sent from there 4.2, by SEND_ZC 3.0, by SEND_ZC from a mapped
// file 3.7. In the same run sendfile made 9 and splice 14.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "flow/method.hpp"
#include "flow/methods/own_pipe.hpp"
#include "os/bytes.hpp"
#include "os/calls.hpp"
#include "os/splice_ring.hpp"

namespace sockx {

namespace {

constexpr std::size_t pipe_size = 1024 * 1024;
constexpr unsigned most_rounds = 8;  // of filling the pipe and emptying it, in a chain

class IoUring : public Method {
 public:
  IoUring(PlainEnds ends, OwnPipe pipe, std::unique_ptr<SpliceRing> ring)
      : ends_(ends), pipe_(std::move(pipe)), ring_(std::move(ring)) {
    if (ends_.chunk == 0 || ends_.chunk > pipe_.capacity()) ends_.chunk = pipe_.capacity();
  }

  std::string_view name() const override { return "io-uring"; }
  bool would_read() const override { return false; }  // the kernel does, beside us
  std::uint64_t appetite(std::size_t) const override { return most_rounds * ends_.chunk; }
  int completion_fd() const override { return ring_->fd(); }
  std::vector<std::byte> surrender() override { return pipe_.take(std::exchange(in_pipe_, 0)); }

  /// The bytes that the chain will take from the file count as taken while it is under way.
  std::uint64_t in_hand() const override {
    std::uint64_t bytes = in_pipe_;
    for (const auto& step : chain_)
      if (step.fills) bytes += step.bytes;
    return bytes;
  }

  Move move(std::uint64_t most) override {
    if (failure_ != 0) throw_failure(failure_);
    if (chain_.empty()) {
      begin_chain(most);
      return {Move::State::under_way};
    }
    const auto end = ring_->take_end();
    if (!end) return {Move::State::under_way};
    return settle(*end);
  }

 private:
  struct Step {
    bool fills;  // the pipe, else empties it
    std::size_t bytes;
  };

  void begin_chain(std::uint64_t most) {
    if (in_pipe_ > 0) add({false, in_pipe_});
    for (unsigned round = 0; round < most_rounds && most > 0; ++round) {
      const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(most, ends_.chunk));
      add({true, bytes});
      add({false, bytes});
      most -= bytes;
    }
    ++calls_;
    ring_->submit();
  }

  void add(Step step) {
    chain_.push_back(step);
    if (step.fills)
      ring_->add(ends_.from, pipe_.in(), step.bytes);
    else
      ring_->add(pipe_.out(), ends_.to, step.bytes);
  }

  /// The result of a chain that is over.
  Move settle(SpliceRing::End end) {
    const auto chain = std::exchange(chain_, {});
    std::uint64_t moved = 0;
    const auto count = [&](const Step& step, std::size_t bytes) {
      in_pipe_ = step.fills ? in_pipe_ + bytes : in_pipe_ - bytes;
      if (!step.fills) moved += bytes;
    };
    for (std::size_t i = 0; i < end.step; ++i) count(chain[i], chain[i].bytes);
    const auto& last = chain[end.step];
    if (end.result > 0) count(last, static_cast<std::size_t>(end.result));
    if (end.result > 0) return {Move::State::moved, moved};
    if (end.result == 0) return {last.fills ? Move::State::ended : Move::State::moved, moved};
    switch (const auto error = static_cast<int>(-end.result)) {
      case EAGAIN:  // of the socket: a regular file never blocks. That was some time ago
        ++calls_;
        return {is_writable_now(ends_.to.fd) ? Move::State::moved : Move::State::output_full, moved};
      case EINTR:
      case ECANCELED:
        return {Move::State::moved, moved};
      case EINVAL:
      case EOPNOTSUPP:
        return {Move::State::refused, moved};
      default:
        if (moved == 0) throw_failure(error);
        failure_ = error;  // the bytes that were moved are reported first
        return {Move::State::moved, moved};
    }
  }

  [[noreturn]] void throw_failure(int error) const {
    throw_error_of_two(error, "splice", ends_.from, ends_.to);
  }

  PlainEnds ends_;
  OwnPipe pipe_;
  std::unique_ptr<SpliceRing> ring_;
  std::vector<Step> chain_;  // that is under way
  std::size_t in_pipe_ = 0;  // when it began
  int failure_ = 0;
};

}  // namespace

std::unique_ptr<Method> make_io_uring(PlainEnds ends, std::string& refusal) {
  auto ring = SpliceRing::make(2 * most_rounds + 1);
  if (!ring) {
    refusal = text("io_uring_setup: {}", std::strerror(errno));
    return nullptr;
  }
  auto pipe = OwnPipe::make(pipe_size);
  if (!pipe) {
    refusal = text("pipe2: {}", std::strerror(errno));
    return nullptr;
  }
  return std::make_unique<IoUring>(ends, std::move(*pipe), std::move(ring));
}

bool has_io_uring() { return true; }

}  // namespace sockx
