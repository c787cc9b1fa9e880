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

constexpr Duration before_trial = 10ms, patience = 200ms, first_pause = 1s;
constexpr std::size_t parts = 8;                       // of the room that is left in the send buffer
constexpr std::size_t usual_buffer = 208 * 1024;       // where the kernel does not tell
constexpr std::size_t most_waiting = 1 << 20;          // bytes for a peer, or one datagram
constexpr std::size_t most_waiting_of_all = 16 << 20;  // bytes
constexpr std::size_t most_peers = 4096;               // of whom it is known what they may not have read

/// What a datagram takes of the send buffer at the most: the kernel counts its own structures, and rounds up.
std::size_t cost_of(std::span<const std::byte> bytes) { return 2 * (bytes.size() + 512); }

/// What a datagram that waits takes here, about.
std::size_t memory_of(std::span<const std::byte> bytes) { return bytes.size() + 64; }

}  // namespace

UnixReplies::UnixReplies(Descriptor socket, Options options, DatagramCount& sent, std::uint64_t& dropped)
    : socket_(std::move(socket)), options_(std::move(options)), sent_(sent), dropped_(dropped) {
  const int buffer = socket_query(socket_.fd, SO_SNDBUF, "SO_SNDBUF").value_or(0);
  buffer_ = buffer > 0 ? static_cast<std::size_t>(buffer) : usual_buffer;
}

std::size_t UnixReplies::in_use() const { return unacknowledged(socket_).value_or(0); }

void UnixReplies::put(std::span<const std::byte> bytes, const Address& to) {
  auto& peer = peer_at(to);
  if (peer.is_deaf) return put_to_deaf(bytes, peer);
  const bool has_room = peer.waiting.empty() && update_and_check_room(cost_of(bytes), peer);
  if (!has_room || !try_send(bytes, peer)) keep(bytes, peer);
}

void UnixReplies::put_to_deaf(std::span<const std::byte> bytes, Peer& peer) {
  const auto now_in_use = in_use();
  const bool may_have_read = now_in_use < peer.least_in_use;
  const bool is_due = may_have_read || Clock::now() >= peer.next_trial;
  const auto limit = may_have_read ? limit_of(peer) : newcomers_part();
  const bool is_sent = is_due && now_in_use < limit && try_send(bytes, peer);
  if (!is_sent) {
    ++dropped_;
    if (is_due) postpone_trial(peer);
    return;
  }
  peer.mark = now_in_use;
  peer.is_tried = true;
  peer.is_deaf = false;
}

template <class Predicate>
void UnixReplies::forget_if(Predicate is_dispensable) {
  if (peers_.size() < most_peers) return;
  for (auto entry = peers_.begin(); entry != peers_.end();) {
    auto& peer = entry->second;
    const bool is_to_go = is_dispensable(peer);
    if (is_to_go) drop_waiting(peer);
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

bool UnixReplies::update_and_check_room(std::size_t cost, Peer& peer) {
  const auto now_in_use = in_use();
  if (peer.unread > 0 && now_in_use <= peer.mark) note_that_it_reads(peer);
  const auto limit = limit_of(peer);
  if (now_in_use >= limit) return false;
  if (peer.unread > 0) return peer.unread + cost <= (limit - now_in_use) / parts;
  peer.mark = now_in_use;
  return true;
}

void UnixReplies::note_that_it_reads(Peer& peer) {
  peer.unread = 0;
  peer.has_read = true;
  peer.has_full_queue = false;
  peer.is_tried = false;
  peer.pause = {};
}

bool UnixReplies::try_send(std::span<const std::byte> bytes, Peer& peer) {
  const OutgoingDatagram datagram{bytes, &peer.address};
  for (;;) {
    const auto outcome = send_datagrams(socket_, {&datagram, 1}, options_.flags);
    if (outcome.sent > 0) {
      if (peer.has_full_queue) note_that_it_reads(peer);
      peer.unread += cost_of(bytes);
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
  for (auto& [name, peer] : peers_)
    if (!peer.waiting.empty()) retry(peer);
}

void UnixReplies::begin_to_wait(Peer& peer) {
  peer.since = Clock::now();
  peer.least_in_use = SIZE_MAX;
}

void UnixReplies::retry(Peer& peer) {
  peer.least_in_use = std::min(peer.least_in_use, in_use());
  while (!peer.waiting.empty() && update_and_check_room(cost_of(peer.waiting.front()), peer) &&
         try_send(peer.waiting.front(), peer)) {
    take_from_waiting(peer);
    begin_to_wait(peer);
  }
  if (peer.waiting.empty()) return;
  const auto span = Clock::now() - peer.since;
  if (span >= before_trial && try_with_one_more(peer)) return;
  if (span >= patience) give_up(peer);
}

/// If the peer reads it, no more than `mark` will be in use.
bool UnixReplies::try_with_one_more(Peer& peer) {
  const auto now_in_use = in_use();
  const auto limit = peer.has_read ? buffer_ : newcomers_part() / 2;
  const bool may_be_tried = peer.unread > 0 && !peer.is_tried && !peer.has_full_queue && now_in_use < limit;
  if (!may_be_tried) return false;
  peer.is_tried = true;
  peer.mark = std::min(peer.least_in_use, now_in_use);
  if (!try_send(peer.waiting.front(), peer)) return false;
  take_from_waiting(peer);
  begin_to_wait(peer);
  return true;
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
  options_.on_deaf(peer.address);
}

void UnixReplies::postpone_trial(Peer& peer) const {
  peer.least_in_use = std::min(peer.least_in_use, in_use());
  peer.pause = std::max<Duration>(2 * peer.pause, first_pause);
  peer.next_trial = Clock::now() + peer.pause;
}

}  // namespace sockx
