// records: a stream of bytes cut into records for a socket that keeps them apart, and the way back. One call
// moves one whole record; none is ever merged or cut.
#include "os/records.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "flow/method.hpp"

namespace sockx {

namespace {

class RecordSend : public Method {
 public:
  RecordSend(MethodEnds ends, Processing processing)
      : ends_(ends),
        processing_(std::move(processing)),
        framer_(processing_.framing, RecordLimit{.most = processing_.max_record, .setting = "max-record"}),
        line_delay_(processing_.line_delay),
        buffer_(64 * 1024) {}

  std::string_view name() const override { return "records"; }
  std::uint64_t in_hand() const override { return framer_.left() + (record_ ? record_->size() : 0); }
  bool is_holding() const override { return record_ || framer_.left() > 0; }
  void stop_input() override { framer_.end(); }

  Move move(std::uint64_t most) override {
    if (!record_) {
      if (!have_caught_up(processing_.stages)) return held_for_a_moment();
      if (const auto obstacle = next_record(most)) return {*obstacle};
      pass_through(processing_.stages, *record_);
    }
    if (const auto next = line_delay_.next_line(); Clock::now() < next) return held_until(next);
    ++calls_;
    const auto put = send_record(ends_.to.facts(), *record_);
    if (put.state == IoResult::State::again) return {Move::State::output_full};
    line_delay_.wrote(true);
    record_.reset();
    return {Move::State::moved, put.bytes};
  }

 private:
  /// Reads until there is one; otherwise says why there is none.
  std::optional<Move::State> next_record(std::uint64_t most) {
    for (;;) {
      record_ = framer_.take();
      if (record_) return {};
      if (framer_.has_ended()) return Move::State::ended;
      if (most == 0) return Move::State::either_blocks;
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, buffer_.size()));
      ++calls_;
      const auto got = ends_.from.read_some(std::span(buffer_).first(wanted));
      if (got.state == IoResult::State::again) return Move::State::no_input;
      if (got.state == IoResult::State::eof) framer_.end();
      framer_.put(std::span(buffer_).first(got.bytes));
      most -= got.bytes;
    }
  }

  MethodEnds ends_;
  Processing processing_;
  Framer framer_;
  LineDelay line_delay_;
  std::vector<std::byte> buffer_;
  std::optional<std::vector<std::byte>> record_;  // waits to be sent
};

class RecordReceive : public Method {
 public:
  RecordReceive(MethodEnds ends, Processing processing)
      : ends_(ends), processing_(std::move(processing)), buffer_(processing_.max_record) {}

  std::string_view name() const override { return "records"; }
  std::uint64_t in_hand() const override { return bytes_.size() - prefix_ - payload_written(); }
  bool is_holding() const override { return begin_ < bytes_.size(); }

  /// A record is taken whole, whatever `most` is.
  Move move(std::uint64_t) override {
    if (begin_ == bytes_.size()) {
      if (!have_caught_up(processing_.stages)) return held_for_a_moment();
      ++calls_;
      const auto got = receive_record(ends_.from.facts(), buffer_);
      if (got.state == IoResult::State::eof) return {Move::State::ended};
      if (got.state == IoResult::State::again) return {Move::State::no_input};
      bytes_.assign(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(got.bytes));
      pass_through(processing_.stages, bytes_);
      begin_ = 0;
      if (processing_.framing.kind == Framing::Kind::len32) prefix_length();
      if (bytes_.empty()) return {Move::State::moved};
    }
    ++calls_;
    const auto put = ends_.to.write_some(std::span(bytes_).subspan(begin_));
    if (put.state != IoResult::State::moved) return {Move::State::output_full};
    const auto before = payload_written();
    begin_ += put.bytes;
    return {Move::State::moved, payload_written() - before};
  }

 private:
  std::size_t payload_written() const { return begin_ - std::min(begin_, prefix_); }

  void prefix_length() {
    const auto size = bytes_.size();
    std::array<std::byte, 4> length;
    for (unsigned i = 0; i < length.size(); ++i) length[i] = static_cast<std::byte>(size >> (24U - 8U * i));
    bytes_.insert(bytes_.begin(), length.begin(), length.end());
    prefix_ = length.size();
  }

  MethodEnds ends_;
  Processing processing_;
  std::vector<std::byte> buffer_;
  std::vector<std::byte> bytes_;  // the last record, as it goes to the sink
  std::size_t prefix_ = 0;        // so many bytes of that say its length
  std::size_t begin_ = 0;         // of what has not been written
};

}  // namespace

std::unique_ptr<Method> make_record_send(MethodEnds ends, Processing processing) {
  return std::make_unique<RecordSend>(ends, std::move(processing));
}

std::unique_ptr<Method> make_record_receive(MethodEnds ends, Processing processing) {
  return std::make_unique<RecordReceive>(ends, std::move(processing));
}

}  // namespace sockx
