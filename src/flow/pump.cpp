#include "flow/pump.hpp"

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "os/calls.hpp"

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
  if (!automatic_ && refusal_.empty() && method_->name() != name_of(options.method))
    refusal_ = "it does not suit the source, the sink, or what is to be done between them";
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
  const auto late = time_ + fair_time;
  for (int moves = 0; moves < fair_moves && bytes_ < enough && time_ < late; ++moves) {
    if (!method_->is_holding() && (stopped_ || taken() >= limit_)) return State::finished;
    if (!method_->is_holding() && taken() >= last) return State::yielded;
    if (taken() >= limit_) method_->stop_input();  // a record that has only begun would wait for its rest
    const auto moved = move(last - std::min(last, taken()));  // stages may have added bytes
    switch (moved.state) {
      case Method::Move::State::moved:
        if (automatic_ && method_->would_rather_splice())
          if (auto splice = splice_or_null()) use(std::move(splice));
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

void Pump::sink_hung_up() const {
  const auto& to = ends_.to.facts();
  const auto what = text("write {}", to.name);
  if (const int number = pending_error(to)) throw Error(number, what, to.origin);
  if (!is_holding()) throw SinkGone(what, to.origin);
  throw Error(EPIPE, what, to.origin);
}

void Pump::use(std::unique_ptr<Method> method) {
  if (method_) calls_before_ += method_->calls();
  method_ = std::move(method);
  file_calls_.set_most(method_->appetite(ends_.chunk));
}

Method::Move Pump::move(std::uint64_t most) {
  if (!may_be_slow_) {
    const auto moved = method_->move(std::min(most, most_at_once));
    bytes_ += moved.bytes;
    return moved;
  }
  const auto taken_before = taken();
  const auto begun = under_way_since_.value_or(time_);
  const auto moved = method_->move(std::min(most, file_calls_.bytes()));
  bytes_ += moved.bytes;
  time_ = Clock::now();
  under_way_since_.reset();
  if (moved.state == Method::Move::State::under_way) {
    under_way_since_ = begun;
    return moved;
  }
  const auto bytes = std::max(moved.bytes, taken() - std::min(taken(), taken_before));
  if (reads_file_)
    file_calls_.note_read(ends_.from.facts().fd, time_ - begun, bytes);
  else
    file_calls_.note(time_ - begun, bytes);
  return moved;
}

std::unique_ptr<Method> Pump::choose(TransferMethod method, Processing processing) {
  const auto& from = ends_.from.facts();
  const auto& to = ends_.to.facts();
  if (to.kind == Kind::seqpacket) return make_record_send(ends_, std::move(processing));
  if (from.kind == Kind::seqpacket) return make_record_receive(ends_, std::move(processing));
  if (processing.is_needed()) return make_filter(ends_, std::move(processing));
  if (!ends_.are_plain()) return make_copy(ends_);
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

/// Measured by send-file --compare and scripts/benchmark on loopback under reno, two cores, 2 GiB, in GB/s.
/// From a file: splice through a pipe 6.8, sendfile 6.3, read-write 4.4, mmap 3.7; sendfile stands within a
/// tenth of splice, with a handful of calls instead of thousands and without a pipe, so it is the choice. (In
/// another run, of 1 GiB with other work on the machine: splice 6.6, io-uring 7.0, sendfile 5.8,
/// read-write 2.8, zerocopy 2.5, which is for network cards.) To /dev/null: dropping in the kernel 6.5,
/// read-write 4.9. With a pipe at either end splice is twice as fast as read-write. Between sockets splice
/// through a pipe is three times as fast, but for messages of 64 bytes recv and send are a quarter faster: so
/// copying comes first there, and gives way when two full buffers come in a row. Terminals and O_APPEND files
/// can only be copied to.
std::unique_ptr<Method> Pump::choose_automatically() const {
  const auto plain = ends_.plain();
  const auto& [from, to, chunk] = plain;
  const bool to_null = to.kind == Kind::null_device;
  if (from.kind == Kind::tcp && to_null) return make_discard(plain);
  if (from.is_file() && !to.appends) return make_sendfile(plain);
  if (is_pipe(from) || is_pipe(to) || (from.is_socket() && to_null))
    if (auto splice = splice_or_null()) return splice;
  return make_copy(ends_);
}

std::unique_ptr<Method> Pump::splice_or_null() const {
  const auto plain = ends_.plain();
  const auto& [from, to, chunk] = plain;
  if (to.appends || from.kind == Kind::device || to.kind == Kind::device) return nullptr;
  return is_pipe(from) || is_pipe(to) ? make_splice(plain) : make_piped_splice(plain);
}

}  // namespace sockx
