#include "datagram/unix_replies.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "os/calls.hpp"
#include "os/socket_query.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration before_trial = 10ms, patience = 200ms, longest_wait = 2s, first_pause = 1s;
constexpr Duration alone = 20ms;                       // between the trials of two peers
constexpr int most_trials = 3;                         // of a peer that is not seen to read
constexpr std::size_t parts = 8;                       // of the room that is left in the send buffer
constexpr std::size_t small = 512;                     // bytes of a datagram that may use the reserve
constexpr std::size_t usual_buffer = 208 * 1024;       // where the kernel does not tell
constexpr std::size_t most_waiting = 1 << 20;          // bytes for a peer, or one datagram
constexpr std::size_t most_waiting_of_all = 16 << 20;  // bytes
constexpr std::size_t most_peers = 4096;               // of whom it is known what they may not have read

/// What a datagram takes of the send buffer at the most: the kernel counts its own structures, and rounds up.
std::size_t cost_of(std::span<const std::byte> bytes) { return 2 * (bytes.size() + 512); }

/// What a long datagram takes of the send buffer, about.
std::size_t likely_cost_of(std::size_t size) { return size + size / 3 + 1024; }

/// What a datagram that waits takes here, about.
std::size_t memory_of(std::span<const std::byte> bytes) { return bytes.size() + 64; }

}  // namespace

UnixReplies::UnixReplies(Descriptor socket, Options options, DatagramCount& sent, std::uint64_t& dropped)
    : socket_(std::move(socket)), options_(std::move(options)), sent_(sent), dropped_(dropped) {
  const int buffer = socket_query(socket_.fd, SO_SNDBUF, "SO_SNDBUF").value_or(0);
  buffer_ = buffer > 0 ? static_cast<std::size_t>(buffer) : usual_buffer;
}

std::size_t UnixReplies::in_use() {
  const auto now = unacknowledged(socket_).value_or(0);
  if (now < last_in_use_) freed_ += last_in_use_ - now;
  last_in_use_ = now;
  return now;
}

bool UnixReplies::has_room(std::size_t size, std::size_t in_use, std::size_t limit) const {
  if (size <= small) return in_use < buffer_;
  const auto reserve = buffer_ / parts;
  return in_use < limit && (in_use < reserve || in_use + likely_cost_of(size) <= buffer_ - reserve);
}

void UnixReplies::put(std::span<const std::byte> bytes, const Address& to) {
  auto& peer = peer_at(to);
  if (peer.is_deaf) return put_to_deaf(bytes, peer);
  const bool has_room = peer.waiting.empty() && update_and_check_room(bytes, peer);
  if (!has_room || !try_send(bytes, peer)) keep(bytes, peer);
}

void UnixReplies::put_to_deaf(std::span<const std::byte> bytes, Peer& peer) {
  const auto now_in_use = in_use();
  // Of a queue that was full the kernel itself tells whether it still is.
  const bool may_have_read = now_in_use < peer.least_in_use || peer.unread == 0 || peer.has_full_queue;
  const bool is_short_trial = peer.may_have_short_trial && bytes.size() <= small;
  const bool is_due =
      may_have_read || is_short_trial || Clock::now() >= std::max(peer.next_trial, trial_end_);
  const auto limit = may_have_read ? limit_of(peer) : newcomers_part();
  const auto mark = std::min(peer.least_in_use, now_in_use);
  const bool is_sent = is_due && has_room(bytes.size(), now_in_use, limit) && try_send(bytes, peer);
  if (!is_sent) {
    ++dropped_;
    if (is_due) postpone_trial(peer);
    return;
  }
  peer.mark = mark;
  peer.is_deaf = false;
  peer.trials = 0;
  begin_trial(peer);
}

template <class Predicate>
void UnixReplies::forget_if(Predicate is_dispensable) {
  if (peers_.size() < most_peers) return;
  for (auto entry = peers_.begin(); entry != peers_.end();) {
    auto& peer = entry->second;
    const bool is_to_go = is_dispensable(peer);
    if (is_to_go) drop_waiting(peer);
    if (is_to_go && on_trial_ == &peer) on_trial_ = nullptr;
    entry = is_to_go ? peers_.erase(entry) : std::next(entry);
  }
}

UnixReplies::Peer& UnixReplies::peer_at(const Address& address) {
  const auto name = address.bytes();
  if (const auto known = peers_.find(name); known != peers_.end()) return known->second;
  forget_if([](const Peer& one) { return !one.has_read && one.waiting.empty() && !one.is_deaf; });
  forget_if([](const Peer& one) { return !one.has_read && one.waiting.empty(); });
  forget_if([](const Peer& one) { return !one.has_read; });
  forget_if([](const Peer& one) { return one.waiting.empty(); });
  auto& peer = peers_[std::string(name)];
  peer.address = address;
  return peer;
}

bool UnixReplies::update_and_check_room(std::span<const std::byte> bytes, Peer& peer) {
  const auto now_in_use = in_use();
  if (peer.unread > 0 && now_in_use <= peer.mark) note_that_it_reads(peer);
  const auto limit = limit_of(peer);
  if (peer.unread > 0)
    return now_in_use < limit && peer.unread + cost_of(bytes) <= (limit - now_in_use) / parts;
  if (!has_room(bytes.size(), now_in_use, limit)) return false;
  // What is in use now may include what another peer is about to read: a newcomer is not judged by that.
  peer.mark = peer.has_read ? now_in_use : 0;
  return true;
}

void UnixReplies::note_that_it_reads(Peer& peer) {
  peer.unread = 0;
  peer.has_read = true;
  peer.has_full_queue = false;
  peer.trials = 0;
  peer.pause = {};
  if (on_trial_ != &peer) return;
  on_trial_ = nullptr;
  trial_end_ = {};
}

bool UnixReplies::try_send(std::span<const std::byte> bytes, Peer& peer) {
  const OutgoingDatagram datagram{bytes, &peer.address};
  for (;;) {
    const auto outcome = send_datagrams(socket_, {&datagram, 1}, options_.flags);
    if (outcome.sent > 0) {
      if (peer.has_full_queue) note_that_it_reads(peer);
      peer.unread += cost_of(bytes);
      in_use();
      ++sent_.datagrams;
      sent_.bytes += bytes.size();
      return true;
    }
    if (outcome.error == EAGAIN) peer.has_full_queue = in_use() < buffer_;
    if (outcome.error == EAGAIN || outcome.error == ENOBUFS || outcome.error == ENOMEM) return false;
    if (!options_.on_error(outcome.error, datagram)) return true;
  }
}

void UnixReplies::keep(std::span<const std::byte> bytes, Peer& peer) {
  const auto memory = memory_of(bytes);
  const bool has_room = peer.waiting.empty() || peer.waiting_bytes + memory <= most_waiting;
  if (!has_room || waiting_bytes_ + memory > most_waiting_of_all) {
    ++dropped_;
    return;
  }
  if (peer.waiting.empty()) begin_to_wait(peer);
  peer.waiting.emplace_back(bytes.begin(), bytes.end());
  peer.waiting_bytes += memory;
  waiting_bytes_ += memory;
  ++waiting_;
}

void UnixReplies::take_from_waiting(Peer& peer) {
  const auto memory = memory_of(peer.waiting.front());
  peer.waiting.pop_front();
  peer.waiting_bytes -= memory;
  waiting_bytes_ -= memory;
  --waiting_;
}

void UnixReplies::retry() {
  if (on_trial_ != nullptr && in_use() <= on_trial_->mark) note_that_it_reads(*on_trial_);
  for (auto& [name, peer] : peers_)
    if (!peer.waiting.empty()) send_waiting(peer);
  try_next();
  for (auto& [name, peer] : peers_)
    if (!peer.waiting.empty() && is_hopeless(peer)) give_up(peer);
}

void UnixReplies::begin_to_wait(Peer& peer) {
  peer.since = Clock::now();
  peer.least_in_use = SIZE_MAX;
}

void UnixReplies::send_waiting(Peer& peer) {
  peer.least_in_use = std::min(peer.least_in_use, in_use());
  while (!peer.waiting.empty() && update_and_check_room(peer.waiting.front(), peer) &&
         try_send(peer.waiting.front(), peer)) {
    take_from_waiting(peer);
    begin_to_wait(peer);
  }
}

bool UnixReplies::is_trial_owed(const Peer& peer) const {
  if (peer.unread == 0 || peer.has_full_queue || peer.trials >= most_trials) return false;
  // The first trial can have missed that it reads, if anything was read at all.
  return peer.trials == 0 || freed_ != peer.freed_before;
}

bool UnixReplies::may_be_tried(const Peer& peer) {
  if (!is_trial_owed(peer)) return false;
  const auto newcomers_limit = peer.trials == 0 ? newcomers_part() : newcomers_part() / 2;
  return has_room(peer.waiting.front().size(), in_use(), peer.has_read ? buffer_ : newcomers_limit);
}

bool UnixReplies::is_hopeless(const Peer& peer) {
  const auto span = Clock::now() - peer.since;
  return span >= patience && (span >= longest_wait || !may_be_tried(peer));
}

void UnixReplies::try_next() {
  const auto now = Clock::now();
  if (now < trial_end_) return;
  Peer* next = nullptr;
  const auto is_sooner = [&](const Peer& one) {
    if (next == nullptr || one.trials != next->trials) return next == nullptr || one.trials < next->trials;
    return one.has_read && !next->has_read;
  };
  for (auto& [name, peer] : peers_) {
    const bool is_due =
        !peer.waiting.empty() && now - peer.since >= (peer.trials == 0 ? before_trial : patience);
    if (is_due && may_be_tried(peer) && is_sooner(peer)) next = &peer;
  }
  if (next == nullptr) return;
  // If the peer reads it, no more than this will be in use.
  next->mark = std::min(next->least_in_use, in_use());
  if (!try_send(next->waiting.front(), *next)) return;
  take_from_waiting(*next);
  begin_trial(*next);
  for (auto& [name, peer] : peers_)
    if (!peer.waiting.empty()) peer.least_in_use = in_use();  // it does not fall below that for what it reads
}

void UnixReplies::begin_trial(Peer& peer) {
  begin_to_wait(peer);
  ++peer.trials;
  peer.freed_before = freed_;
  on_trial_ = &peer;
  trial_end_ = peer.since + alone;
}

void UnixReplies::drop_waiting(Peer& peer) {
  while (!peer.waiting.empty()) {
    take_from_waiting(peer);
    ++dropped_;
  }
}

void UnixReplies::give_up(Peer& peer) {
  drop_waiting(peer);
  peer.is_deaf = true;
  postpone_trial(peer);
  peer.may_have_short_trial = is_trial_owed(peer);  // there was no room for what waited
  options_.on_deaf(peer.address);
}

void UnixReplies::postpone_trial(Peer& peer) {
  peer.least_in_use = std::min(peer.least_in_use, in_use());
  peer.pause = std::max<Duration>(2 * peer.pause, first_pause);
  peer.next_trial = Clock::now() + peer.pause;
}

}  // namespace sockx
