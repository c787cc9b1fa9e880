#include "flow/pump.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.hpp"
#include "os/calls.hpp"
#include "os/file_advice.hpp"

namespace sockx {

namespace {

using Kind = Descriptor::Kind;

constexpr std::uint64_t fair_share = 1024 * 1024;  // bytes until the others of the loop have their turn
constexpr int fair_moves = 64;                     // and so many calls, when each moves little
// With a file it is the time that counts: a turn of the loop after each MiB took a sixth more CPU.
constexpr Duration fair_time = std::chrono::milliseconds(20);
constexpr std::uint64_t fair_share_of_file = 4 * 1024 * 1024;
constexpr std::uint64_t most_at_once = 4 * 1024 * 1024;  // of a call that waits for no disk

bool is_pipe(const Descriptor& end) { return end.kind == Kind::pipe; }
bool is_device(const Descriptor& end) { return end.kind == Kind::device || end.kind == Kind::terminal; }

/// Whether calls on it may wait for a disk, whatever epoll says of it.
bool may_be_slow(const Descriptor& end) { return end.is_file() || end.kind == Kind::device; }

}  // namespace

std::string_view name_of(TransferMethod method) {
  switch (method) {
    case TransferMethod::automatic:
      return "auto";
    case TransferMethod::read_write:
      return "read-write";
    case TransferMethod::sendfile:
      return "sendfile";
    case TransferMethod::splice:
      return "splice";
    case TransferMethod::mmap:
      return "mmap";
    case TransferMethod::zero_copy:
      return "zerocopy";
    case TransferMethod::io_uring:
      return "io-uring";
  }
  return "";
}

std::vector<TransferMethod> file_methods() {
  std::vector<TransferMethod> methods{TransferMethod::read_write, TransferMethod::sendfile,
                                      TransferMethod::splice, TransferMethod::mmap,
                                      TransferMethod::zero_copy};
  if (has_io_uring()) methods.push_back(TransferMethod::io_uring);
  return methods;
}

Pump::Pump(Stream& from, Stream& to, PumpOptions options)
    : ends_{from, to, options.chunk},
      automatic_(options.method == TransferMethod::automatic),
      limit_(options.limit),
      may_be_slow_(may_be_slow(from.facts()) || may_be_slow(to.facts())),
      reads_file_(from.facts().is_file() && !may_be_slow(to.facts())) {
  use(choose(options.method, std::move(options.processing)));
  if (reads_file_ && !is_in_page_cache(from.facts().fd, lseek(from.facts().fd, 0, SEEK_CUR)))
    file_calls_.expect_wait();
  if (!automatic_ && refusal_.empty() && method_->name() != name_of(options.method))
    refusal_ = ends_.are_plain() ? "it does not suit the source, the sink, or what is to be done between them"
                                 : std::string(reason_);
}

/// What the sink holds goes out before anybody waits.
Pump::State Pump::step(std::uint64_t most) {
  const auto state = step_by_method(most);
  if (ends_.to.flush_some() || state == State::yielded || state == State::held) return state;
  return State::wants_output;
}

Pump::State Pump::step_by_method(std::uint64_t most) {
  const auto last = std::min(most, limit_ - taken()) + taken();  // where taking ends in this step
  const auto enough = bytes_ + (may_be_slow_ ? fair_share_of_file : fair_share);
  time_ = may_be_slow_ ? Clock::now() : Clock::time_point();
  if (reads_file_) file_calls_.begin_turn();
  const auto late = time_ + fair_time;
  for (int moves = 0; moves < fair_moves && bytes_ < enough && time_ < late; ++moves) {
    if (!method_->is_holding() && (stopped_ || taken() >= limit_)) return State::finished;
    if (!method_->is_holding() && taken() >= last) return State::yielded;
    if (taken() >= limit_) method_->stop_input();  // a record that has only begun would wait for its rest
    const auto allowed = last - std::min(last, taken());  // stages may have added bytes
    if (wants_file(allowed)) return State::wants_file;
    const auto moved = move(allowed);
    switch (moved.state) {
      case Method::Move::State::moved:
        if (automatic_ && method_->would_rather_splice()) {
          automatic_ = false;  // if there is no pipe now, asking again would cost more than it gains
          if (auto splice = splice_or_null()) {
            use(std::move(splice));
            reason_ = "the stream is long";
          }
        }
        break;
      case Method::Move::State::no_input:
        return State::wants_input;
      case Method::Move::State::drained:
        return taken() >= limit_ ? State::finished : State::drained;
      case Method::Move::State::output_full:
        return State::wants_output;
      case Method::Move::State::either_blocks:
        return State::yielded;
      case Method::Move::State::held:
        held_until_ = moved.until;
        return State::held;
      case Method::Move::State::under_way:
        return State::under_way;
      case Method::Move::State::ended:
        limit_ = bytes_;
        return State::finished;
      case Method::Move::State::refused:
        automatic_ = false;
        refusal_ = method_->refusal();
        use(make_copy(ends_, method_->surrender()));
        break;
    }
  }
  return State::yielded;
}

void Pump::stop_input() {
  stopped_ = true;
  limit_ = taken();
  method_->stop_input();
}

std::string Pump::method_and_reason() const {
  return text("{} ({})", method(), refusal_.empty() ? reason_ : std::string_view(refusal_));
}

void Pump::sink_hung_up() const {
  const auto& to = ends_.to.facts();
  const auto what = text("write {}", to.name);
  if (const int number = ends_.to.take_error()) throw Error(number, what, to.origin);
  if (!is_holding()) throw SinkGone(what, to.origin);
  throw Error(EPIPE, what, to.origin);
}

void Pump::use(std::unique_ptr<Method> method) {
  if (method_) calls_before_ += method_->calls();
  method_ = std::move(method);
  file_calls_.set_most(method_->appetite(ends_.chunk));
}

/// Once for each piece.
bool Pump::wants_file(std::uint64_t most) {
  if (!reads_file_ || !file_calls_.needs_thread() || wanted_ > 0 || !method_->would_read()) return false;
  wanted_ = std::min(most, file_calls_.bytes());
  return wanted_ > 0;
}

void Pump::note_wanted_piece(const FileRead& read) {
  wanted_took_ = read.took;
  file_calls_.note_thread(read, wanted_);
}

Pump::Piece Pump::wanted_piece() const {
  const int file = ends_.from.facts().fd;
  const auto position = method_->position();
  return {file, position ? *position : lseek(file, 0, SEEK_CUR), wanted_};
}

Method::Move Pump::move(std::uint64_t most) {
  if (!may_be_slow_) {
    const auto moved = method_->move(std::min(most, most_at_once));
    bytes_ += moved.bytes;
    return moved;
  }
  const auto taken_before = taken();
  const auto begun = under_way_since_.value_or(time_) - std::exchange(wanted_took_, Duration());
  const auto moved = method_->move(std::min({most, file_calls_.bytes(), wanted_ > 0 ? wanted_ : most}));
  bytes_ += moved.bytes;
  time_ = Clock::now();
  under_way_since_.reset();
  if (moved.state == Method::Move::State::under_way) {
    under_way_since_ = begun;
    return moved;
  }
  const auto bytes = std::max(moved.bytes, taken() - std::min(taken(), taken_before));
  wanted_ -= std::min(wanted_, bytes);
  if (reads_file_)
    file_calls_.note_read(ends_.from.facts().fd, time_ - begun, bytes, method_->position());
  else
    file_calls_.note(time_ - begun, bytes);
  return moved;
}

std::unique_ptr<Method> Pump::choose(TransferMethod method, Processing processing) {
  const auto& from = ends_.from.facts();
  const auto& to = ends_.to.facts();
  reason_ = "records are kept apart";
  if (to.kind == Kind::seqpacket) return make_record_send(ends_, std::move(processing));
  if (from.kind == Kind::seqpacket) return make_record_receive(ends_, std::move(processing));
  reason_ = "the bytes are looked at on the way";
  if (processing.is_needed()) return make_filter(ends_, std::move(processing));
  reason_ = "the bytes are transformed on the way";
  if (!ends_.are_plain()) return make_copy(ends_);
  reason_ = "as asked for";
  const auto plain = ends_.plain();
  switch (method) {
    case TransferMethod::automatic:
      return choose_automatically();
    case TransferMethod::read_write:
      return make_copy(ends_);
    case TransferMethod::sendfile:
      if (from.is_file()) return make_sendfile(plain);
      break;
    case TransferMethod::mmap:
      if (from.is_file()) return make_mmap(plain);
      break;
    case TransferMethod::splice:
      if (auto splice = splice_or_null()) return splice;
      break;
    case TransferMethod::zero_copy:
      if (from.is_file() && to.kind == Kind::tcp) return make_zero_copy(plain);
      break;
    case TransferMethod::io_uring:
      if (!from.is_file() || !to.is_socket() || to.may_block || to.send_flags != 0) break;
      if (auto ring = make_io_uring(plain, refusal_)) return ring;
      break;
  }
  return make_copy(ends_);
}

/// Measured on loopback under reno, two cores, 1 GiB from tmpfs to a receiver that drops it. From a file:
/// splice through a pipe of 1 MiB 8.4 GB/s with 0.076 s of CPU, sendfile 5.0 with 0.127, because it moves 64
/// KiB at a time through a small pipe of its own; read-write 2.8, mmap 3.7, zerocopy 2.5, which is for
/// network cards. But sendfile needs one call for a short file and no pipe: so it comes first, and gives way
/// after 1 MiB. Into a unix socket it stays: 9.3 there, splice 5.9. To /dev/null: dropping in the kernel 6.5,
/// read-write 4.9. With a pipe at either end splice is twice as fast as read-write. Between sockets splice
/// through a pipe is three times as fast, but for messages of 64 bytes recv and send are a quarter faster: so
/// copying comes first there, and gives way when two full buffers come in a row. Terminals and O_APPEND files
/// can only be copied to.
std::unique_ptr<Method> Pump::choose_automatically() {
  const auto plain = ends_.plain();
  const auto& [from, to, chunk] = plain;
  const bool to_null = to.kind == Kind::null_device;
  reason_ = "TCP can drop bytes in the kernel";
  if (from.kind == Kind::tcp && to_null) return make_discard(plain);
  reason_ = "the source is a file";
  if (from.is_file() && !to.appends && to.kind != Kind::terminal) return make_sendfile(plain);
  reason_ = to_null ? "nothing needs the bytes" : "one end is a pipe";
  if (is_pipe(from) || is_pipe(to) || (from.is_socket() && to_null))
    if (auto splice = splice_or_null()) return splice;
  reason_ = "the fastest for short messages";
  return make_copy(ends_);
}

std::unique_ptr<Method> Pump::splice_or_null() const {
  const auto plain = ends_.plain();
  const auto& [from, to, chunk] = plain;
  if (to.appends || is_device(from) || is_device(to)) return nullptr;
  return is_pipe(from) || is_pipe(to) ? make_splice(plain) : make_piped_splice(plain);
}

}  // namespace sockx
