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

void Outbox::put(std::span<const std::byte> bytes, const Address* to, const Address* from) {
  auto index = none;
  if (to != nullptr) {
    if (paths_.empty() || !paths_.back().is(*to, from)) paths_.emplace_back(*to, from);
    index = paths_.size() - 1;
  }
  entries_.push_back({bytes_.size(), bytes.size(), index});
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

bool Outbox::is_full() const { return bytes_.size() >= most_bytes || entries_.size() >= most_entries; }

/// A train of one.
OutgoingDatagram Outbox::single(const Entry& entry) const {
  const std::span bytes(bytes_.data() + entry.begin, entry.size);
  if (entry.path == none) return {bytes, nullptr, entry.size};
  const auto& path = paths_[entry.path];
  return {bytes, &path.to, entry.size, path.source()};
}

/// Whether a datagram can be the next of a train of `count`: all have one size, but for the last, and one
/// path, of which there is one copy.
bool Outbox::joins(const OutgoingDatagram& datagram, const OutgoingDatagram& train, std::size_t count) const {
  const auto size = datagram.bytes.size();
  const bool is_open = train.bytes.size() == count * train.segment;
  return options_.makes_trains && is_open && datagram.to == train.to && size > 0 && size <= train.segment &&
         count < most_in_train && train.bytes.size() + size <= longest_train;
}

void Outbox::form_trains(std::size_t first_entry) {
  trains_.clear();
  first_entries_.clear();
  std::size_t count = 0;
  for (auto i = first_entry; i < entries_.size(); ++i) {
    const auto datagram = single(entries_[i]);
    if (!trains_.empty() && joins(datagram, trains_.back(), count)) {
      auto& train = trains_.back();
      train.bytes = {train.bytes.data(), train.bytes.size() + datagram.bytes.size()};
      ++count;
      continue;
    }
    trains_.push_back(datagram);
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
  paths_.clear();
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
