#include "datagram/generator.hpp"

#include <sys/prctl.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <vector>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "flow/event_loop.hpp"
#include "flow/watch.hpp"
#include "net/datagram/datagram_error.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr double fastest_single = 500'000;  // datagrams a second that may go by themselves

std::uint64_t nanoseconds_since_1970() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

std::uint32_t random_stream() {
  std::uint32_t number = 0;
  if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
    number = static_cast<std::uint32_t>(nanoseconds_since_1970());
  return number;
}

class Generator : NonCopyable {
 public:
  Generator(EventLoop& loop, DatagramEnd end, GeneratorOptions options, GeneratorTally& tally)
      : loop_(loop),
        end_(loop, std::move(end)),
        options_(options),
        tally_(tally),
        stream_(random_stream()),
        makes_trains_(end_.local.family() != AF_UNIX && options.size * 2 <= longest_train),
        buffer_(most_bytes() / options.size * options.size) {}

  Task<> run() {
    co_await send_load();
    co_await ask_for_report();
  }

 private:
  /// Of a batch: enough for the calls to count little, and little enough to stay in the processor's cache.
  std::size_t most_bytes() const { return std::max<std::size_t>(options_.size, 256 * 1024); }

  Task<> send_load() {
    if (options_.rate.is_set()) prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds: pauses are short
    const auto begin = Clock::now();
    const auto end = options_.time ? begin + *options_.time : never;
    plan_begin_ = begin;
    for (auto now = begin; now < end; now = Clock::now()) {
      tally_.time = now - begin;
      const auto left = options_.datagrams.value_or(UINT64_MAX) - sequence_;
      if (left == 0) break;
      const auto due = due_at(now);
      if (due == 0) {
        const auto next = plan_begin_ + time_of(sequence_);
        co_await pause(std::min(next, end));
        continue;
      }
      co_await send_batch(std::min(left, due));
      co_await loop_.next_turn();
    }
    tally_.time = Clock::now() - begin;
  }

  /// A refusal is heard at once, however low the rate is.
  Task<> pause(Deadline until) {
    if (end_.watch.is_hung_up()) {  // for ever, once it was
      co_await loop_.sleep_until(until);
    } else {
      co_await end_.watch.hung_up(until);
    }
    if (end_.watch.is_hung_up() && end_.local.family() != AF_UNIX) check_returned_errors();
  }

  double datagrams_a_second() const {
    return options_.rate.datagrams > 0 ? options_.rate.datagrams
                                       : options_.rate.bytes / static_cast<double>(options_.size);
  }
  Duration time_of(std::uint64_t datagrams) const {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
        std::min(longest_pause, static_cast<double>(datagrams) / datagrams_a_second())));
  }
  /// How many may go now. A stall is not followed by a burst of more than a fiftieth of a second: the plan
  /// begins later then.
  std::uint64_t due_at(Clock::time_point now) {
    if (!options_.rate.is_set()) return UINT64_MAX;
    constexpr double countable = 1e18;
    const auto planned =
        static_cast<std::uint64_t>(std::min(countable, seconds(now - plan_begin_) * datagrams_a_second())) +
        1;
    const auto most = static_cast<std::uint64_t>(std::min(countable, datagrams_a_second() / 50)) + 1;
    if (planned <= sequence_) return 0;
    if (planned - sequence_ <= most) return planned - sequence_;
    plan_begin_ += time_of(planned - sequence_ - most);
    return most;
  }

  /// Fills the buffer with the next datagrams and sends them.
  Task<> send_batch(std::uint64_t wanted) {
    const auto size = options_.size;
    const auto in_train = std::min(most_in_train, longest_train / size);
    const bool goes_singly = options_.rate.is_set() && datagrams_a_second() <= fastest_single;
    const auto per_train = makes_trains_ && !goes_singly ? in_train : 1;
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>({wanted, buffer_.size() / size, per_train * most_at_once}));
    const auto now = options_.rate.is_set() ? nanoseconds_since_1970() : 0;
    for (std::size_t i = 0; i < count; ++i)
      LoadHeader{LoadHeader::Kind::load, stream_, sequence_ + i, now}.put(&buffer_[i * size]);
    const Address* const to = end_.is_connected ? nullptr : &*end_.peer;
    std::vector<OutgoingDatagram> trains;
    for (std::size_t i = 0; i < count; i += per_train) {
      const auto length = std::min(per_train, count - i);
      trains.push_back({std::span(buffer_).subspan(i * size, length * size), to, length > 1 ? size : 0});
    }
    for (std::span<const OutgoingDatagram> left(trains); !left.empty();) {
      ++tally_.calls;
      const auto outcome = send_datagrams(end_.facts, left, 0);
      for (const auto& train : left.first(outcome.sent)) {
        tally_.sent.datagrams += train.bytes.size() / size;
        tally_.sent.bytes += train.bytes.size();
        sequence_ += train.bytes.size() / size;
      }
      const bool is_cut_short = outcome.sent > 0 && outcome.sent < std::min(left.size(), most_at_once);
      left = left.subspan(outcome.sent);
      if (is_cut_short && end_.local.family() != AF_UNIX) check_returned_errors();
      if (outcome.error == 0) continue;
      const bool goes_on = co_await recover(outcome.error, left.front());
      if (!goes_on) co_return;
    }
  }

  /// Whether to go on with the batch as it is.
  Task<bool> recover(int error, const OutgoingDatagram& first) {
    if (error == EAGAIN || error == ENOBUFS || error == ENOMEM) {
      co_await wait_for_room(end_.watch, error);
      co_return true;
    }
    if (first.segment != 0 && refuses_train(error)) {
      makes_trains_ = false;
      co_return false;
    }
    fail(error);
  }

  /// A call that sends a part does not say why.
  void check_returned_errors() {
    const auto returned = take_datagram_error(end_.facts);
    if (returned && returned->reporter && returned->number != EMSGSIZE)
      throw Error(returned->number, text("send {}", returned->about()), Origin::peer);
  }

  [[noreturn]] void fail(int error) {
    if (end_.local.family() != AF_UNIX) check_returned_errors();
    if (error == EMSGSIZE)
      throw Error(error, text("send {}: datagrams of {} bytes", end_.facts.name, options_.size),
                  Origin::local_file);
    throw Error(error, text("send {}", end_.facts.name), Origin::peer);
  }

  /// The end may get lost, and so may the answer: it is said again until that comes. A meter that has
  /// answered may have left.
  Task<> ask_for_report() {
    const auto limit = after(2s);
    std::vector<std::byte> end(LoadHeader::size);
    LoadHeader{LoadHeader::Kind::end, stream_, sequence_, 0}.put(end.data());
    const OutgoingDatagram datagram{end, end_.is_connected ? nullptr : &*end_.peer};
    DatagramReader reader(end_.facts, {});
    while (!tally_.report && Clock::now() < limit) {
      const auto outcome = send_datagrams(end_.facts, {&datagram, 1}, 0);
      if (outcome.error != 0 && outcome.error != EAGAIN && outcome.error != ENOBUFS) fail(outcome.error);
      co_await wait_for_report(reader, after(50ms));
    }
  }

  Task<> wait_for_report(DatagramReader& reader, Deadline limit) {
    for (;;) {
      const auto datagrams = receive(reader);
      for (const auto& received : datagrams.value_or(std::span<const Datagram>()))
        if (const auto report = LoadReport::read(received.bytes, stream_)) tally_.report = report;
      if (tally_.report) co_return;
      if (!datagrams) continue;
      if (failure_) std::rethrow_exception(failure_);
      end_.watch.forget_readable();
      const bool in_time = co_await end_.watch.readable(limit);
      if (!in_time) co_return;
    }
  }

  /// Nothing when an error has come instead: the report may wait behind it.
  std::optional<std::span<const Datagram>> receive(DatagramReader& reader) {
    try {
      return reader.receive();
    } catch (const Error& error) {
      try {
        fail(error.number());
      } catch (const Error&) {
        failure_ = std::current_exception();
      }
      return {};
    }
  }

  EventLoop& loop_;
  WatchedDatagramEnd end_;
  GeneratorOptions options_;
  GeneratorTally& tally_;
  std::uint32_t stream_;
  bool makes_trains_;
  std::vector<std::byte> buffer_;
  std::uint64_t sequence_ = 0;      // of the next datagram
  Clock::time_point plan_begin_{};  // of the rate
  std::exception_ptr failure_;
};

}  // namespace

Task<> generate(DatagramEnd end, GeneratorOptions options, GeneratorTally& tally) {
  Generator generator(co_await this_loop(), std::move(end), options, tally);
  co_await generator.run();
}

}  // namespace sockx
