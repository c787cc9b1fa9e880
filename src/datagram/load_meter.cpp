#include "datagram/load_meter.hpp"

#include <algorithm>
#include <cerrno>
#include <list>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "datagram/load_count.hpp"
#include "datagram/unix_replies.hpp"
#include "flow/idle_timeout.hpp"
#include "flow/task_group.hpp"
#include "net/datagram/datagram_error.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

namespace {

constexpr std::size_t most_loads = 64;  // whose counts are kept
constexpr unsigned batch = 8;           // more trains at once do not stay in the processor's cache

struct Load {
  Address source;
  std::uint32_t stream = 0;
  std::uint32_t dropped_before = 0;
  bool came_in_trains = false;
  LoadCount count = {};
};

class LoadMeter : NonCopyable {
 public:
  LoadMeter(EventLoop& loop, DatagramEnd end, MeterOptions options,
            std::function<void(const MeterResult&)> tell, std::uint64_t& foreign)
      : loop_(loop),
        end_(loop, std::move(end)),
        options_(std::move(options)),
        tell_(std::move(tell)),
        foreign_(foreign),
        reader_(end_.facts, {.batch = batch, .answers_as_addressed = end_.answers_as_addressed}) {
    if (end_.local.family() != AF_UNIX) return;
    UnixReplies::Options replies{0, [](int, const OutgoingDatagram&) { return false; },
                                 [](const Address&) {}};
    unix_reports_.emplace(end_.facts, std::move(replies), reports_, reports_dropped_);
  }
  ~LoadMeter() {
    try {
      for (const auto& load : loads_)
        if (!load.count.has_ended()) tell_of(load);
    } catch (const std::exception&) {
      return;  // the result cannot be reported
    }
  }

  Task<> run() { return any(watch_for_idleness(options_.idle_timeout, last_), receive()); }

 private:
  Task<> receive() {
    while (!options_.loads || ended_ < *options_.loads) {
      const auto datagrams = receive_some();
      if (!datagrams) continue;
      if (datagrams->empty()) {
        const bool has_queue = end_.watch.is_hung_up() && end_.local.family() != AF_UNIX;
        while (has_queue && take_datagram_error(end_.facts)) continue;
        end_.watch.forget_readable();
        co_await end_.watch.readable();
        continue;
      }
      if (unix_reports_ && unix_reports_->is_waiting()) unix_reports_->retry();
      for (const auto& train : *datagrams) {
        if (options_.admits && !options_.admits(train)) continue;
        last_ = loop_.now();
        const auto now = train.time ? *train.time : std::chrono::system_clock::now().time_since_epoch();
        const auto time = static_cast<std::uint64_t>(now.count());
        for_each_of(train, [&](std::span<const std::byte> bytes) { take(train, bytes, time); });
      }
      co_await loop_.next_turn();
    }
  }

  /// Nothing when an error has come instead: what waits behind it is still to be received.
  std::optional<std::span<const Datagram>> receive_some() {
    try {
      return reader_.receive();
    } catch (const Error&) {
      if (end_.local.family() == AF_UNIX || !take_datagram_error(end_.facts)) throw;
      return {};  // the generator has closed its socket
    }
  }

  void take(const Datagram& train, std::span<const std::byte> bytes, std::uint64_t now) {
    const auto header = LoadHeader::read(bytes);
    if (!header || header->kind == LoadHeader::Kind::report) {
      ++foreign_;
      return;
    }
    auto* const load = load_of(train.source, header->stream, header->kind == LoadHeader::Kind::load);
    if (header->kind == LoadHeader::Kind::end) return end(load, train, *header);
    load->came_in_trains = load->came_in_trains || train.segment != 0;
    load->count.take(*header, bytes.size(), now, train.segment == 0);
  }

  /// Null for one that is not known and not to be made.
  Load* load_of(const Address& source, std::uint32_t stream, bool makes) {
    const auto is_it = [&](const Load& load) { return load.stream == stream && load.source == source; };
    auto known = std::ranges::find_if(loads_, is_it);
    if (known == loads_.end() && !makes) return nullptr;
    if (known == loads_.end()) {
      if (loads_.size() == most_loads) {
        if (!loads_.back().count.has_ended()) tell_of(loads_.back());
        loads_.pop_back();
      }
      loads_.push_front({source, stream, reader_.dropped()});
      return &loads_.front();
    }
    loads_.splice(loads_.begin(), loads_, known);  // the next is most likely its own
    return &loads_.front();
  }

  /// Of a load that is not known nothing has come, or it is long over.
  void end(Load* load, const Datagram& asked, const LoadHeader& header) {
    if (load != nullptr && !load->count.has_ended()) {
      load->count.end(header.sequence);
      ++ended_;
      tell_of(*load);
    }
    LoadReport nothing;
    nothing.sent = header.sequence;
    const auto report = (load != nullptr ? load->count.report() : nothing).datagram(header.stream);
    // If it is lost it is asked for again.
    if (unix_reports_) return unix_reports_->put(report, asked.source);
    const OutgoingDatagram answer{report, &asked.source, 0, asked.answer_source()};
    send_datagrams(end_.facts, {&answer, 1}, 0);
  }

  void tell_of(const Load& load) {
    tell_({load.source, load.count.has_ended(), load.count.report(), reader_.dropped() - load.dropped_before,
           load.came_in_trains});
  }

  EventLoop& loop_;
  WatchedDatagramEnd end_;
  MeterOptions options_;
  std::function<void(const MeterResult&)> tell_;
  std::uint64_t& foreign_;
  DatagramReader reader_;
  std::optional<UnixReplies> unix_reports_;  // so that one that does not read leaves the others theirs
  DatagramCount reports_;
  std::uint64_t reports_dropped_ = 0;
  std::list<Load> loads_;  // the latest first
  std::uint64_t ended_ = 0;
  Clock::time_point last_ = Clock::now();
};

}  // namespace

Task<> measure(DatagramEnd end, MeterOptions options, std::function<void(const MeterResult&)> tell,
               std::uint64_t& foreign) {
  LoadMeter meter(co_await this_loop(), std::move(end), std::move(options), std::move(tell), foreign);
  co_await meter.run();
}

}  // namespace sockx
