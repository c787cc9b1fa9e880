#include "datagram/outbox.hpp"

#include <algorithm>
#include <cerrno>

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_bytes = 256 * 1024, most_entries = 4096;

}  // namespace

Task<> wait_for_room(Watch& watch, int error) {
  auto& loop = co_await this_loop();
  if (error != EAGAIN) {
    co_await loop.sleep_until(after(1ms));
    co_return;
  }
  watch.forget_writable();
  co_await watch.writable(after(10ms));
}

Outbox::Outbox(Descriptor socket, Watch& watch, Options options, DatagramCount& sent, OnError on_error)
    : socket_(std::move(socket)),
      watch_(watch),
      options_(options),
      sent_(sent),
      on_error_(std::move(on_error)) {}

void Outbox::put(std::span<const std::byte> bytes, const Address* to) {
  auto index = none;
  if (to != nullptr) {
    if (destinations_.empty() || !(destinations_.back() == *to)) destinations_.push_back(*to);
    index = destinations_.size() - 1;
  }
  entries_.push_back({bytes_.size(), bytes.size(), index});
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

bool Outbox::is_full() const { return bytes_.size() >= most_bytes || entries_.size() >= most_entries; }

/// Whether a datagram can be the next of a train of `count`: all have one size, but for the last.
bool Outbox::joins(const Entry& entry, const OutgoingDatagram& train, std::size_t count) const {
  const auto* const to = entry.to == none ? nullptr : &destinations_[entry.to];
  const bool is_open = train.bytes.size() == count * train.segment;
  return options_.makes_trains && is_open && to == train.to && entry.size > 0 &&
         entry.size <= train.segment && count < most_in_train &&
         train.bytes.size() + entry.size <= longest_train;
}

void Outbox::form_trains(std::size_t first_entry) {
  trains_.clear();
  first_entries_.clear();
  std::size_t count = 0;
  for (auto i = first_entry; i < entries_.size(); ++i) {
    const auto& entry = entries_[i];
    const std::span datagram(bytes_.data() + entry.begin, entry.size);
    if (!trains_.empty() && joins(entry, trains_.back(), count)) {
      auto& train = trains_.back();
      train.bytes = {train.bytes.data(), train.bytes.size() + entry.size};
      ++count;
      continue;
    }
    trains_.push_back({datagram, entry.to == none ? nullptr : &destinations_[entry.to], entry.size});
    first_entries_.push_back(i);
    count = 1;
  }
  for (auto& train : trains_)
    if (train.bytes.size() == train.segment) train.segment = 0;  // of one datagram
}

void Outbox::count_as_sent(std::size_t train) {
  const auto end = train + 1 < first_entries_.size() ? first_entries_[train + 1] : entries_.size();
  sent_.datagrams += end - first_entries_[train];
  sent_.bytes += trains_[train].bytes.size();
}

Task<> Outbox::flush() {
  if (entries_.empty()) co_return;
  form_trains(0);
  co_await send_trains();
  bytes_.clear();
  entries_.clear();
  destinations_.clear();
}

Task<> Outbox::send_trains() {
  for (std::size_t next = 0; next < trains_.size();) {
    const auto outcome = send_datagrams(socket_, std::span(trains_).subspan(next), options_.flags);
    for (std::size_t i = 0; i < outcome.sent; ++i) count_as_sent(next + i);
    next += outcome.sent;
    if (outcome.error == 0) continue;
    if (trains_[next].segment != 0 && refuses_train(outcome.error)) {
      options_.makes_trains = false;
      form_trains(first_entries_[next]);
      next = 0;
      continue;
    }
    const bool again = co_await recover(outcome.error, trains_[next]);
    if (again) continue;
    ++next;
  }
}

/// Whether to try again.
Task<bool> Outbox::recover(int error, const OutgoingDatagram& first) {
  const bool lacks_room = error == EAGAIN || error == ENOBUFS || error == ENOMEM;
  if (!lacks_room) co_return on_error_(error, first);
  co_await wait_for_room(watch_, error);
  co_return true;
}

}  // namespace sockx
