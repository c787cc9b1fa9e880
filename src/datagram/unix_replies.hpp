// UnixReplies: sends datagrams to many unix sockets; a peer that does not read does not hold up the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "datagram/outbox.hpp"

namespace sockx {

/// A unix datagram stays in the send buffer of its sender until it is read, and all peers of a listener share
/// that buffer. So what a peer has not read is bounded:
///
/// - A peer that was never seen to read may have an eighth of what is left of the first half of the buffer.
/// - A peer that was seen to read may have an eighth of what is left of the whole buffer.
/// - Either may have one datagram, of any size, as long as its part of the buffer is not used up.
/// - The last eighth of the buffer is a reserve for short datagrams, for which the halves do not matter: the
///   first to a peer, or the one that a peer is tried with.
///
/// What is beyond the bound waits here, a bounded number of bytes for each peer and in all; the rest is
/// dropped.
///
/// The kernel tells how much of the buffer is in use, but not for whom. When no more is in use than before a
/// peer was sent something, that peer counts as having read it. So does a peer whose queue was full and has
/// room again. What others have not read can hide that a peer reads. So a peer for which something has waited
/// for 10 ms is tried with one more datagram. Peers are tried one after the other, each alone for up to
/// 20 ms, so that a trial does not hide the result of another; those that were seen to read come first. A
/// trial that fails is repeated, twice at most, if anything was read meanwhile.
///
/// A peer is deaf when its trial has failed, or none was possible, and nothing was sent to it for 200 ms.
/// What waits for it is dropped, and it gets nothing until less is in use, its full queue has room, or a
/// pause is over that doubles each time. There is no pause for a short datagram if it lacked room for a
/// trial. A peer that waits for its turn to be tried is not deaf, for up to 2 s. No call waits.
class UnixReplies {
 public:
  struct Options {
    int flags = 0;  // for sendmmsg(2)
    /// Of an error other than a lack of room, which costs the datagram: see Outbox::OnError.
    Outbox::OnError on_error;
    /// A peer does not read, and what is for it is dropped.
    std::function<void(const Address&)> on_deaf;
  };
  /// `socket` is borrowed; `sent` and `dropped`, which counts datagrams, are kept up to date.
  UnixReplies(Descriptor socket, Options options, DatagramCount& sent, std::uint64_t& dropped);

  /// Sends a datagram, keeps a copy for later, or drops it.
  void put(std::span<const std::byte> bytes, const Address& to);
  /// Whether something is kept. No event tells when there is room for it: call retry() every few ms.
  bool is_waiting() const { return waiting_ > 0; }
  void retry();

 private:
  struct Peer {
    Address address;
    std::size_t unread = 0;  // bytes of the buffer that were sent to it, and may not have been read yet
    std::size_t mark = 0;    // bytes of the buffer that were in use before
    std::deque<std::vector<std::byte>> waiting;
    std::size_t waiting_bytes = 0;
    Clock::time_point since = {};    // something has waited, and nothing was sent
    std::size_t least_in_use = 0;    // since then
    bool has_read = false;           // at least once
    bool has_full_queue = false;     // as the kernel said at the last try
    int trials = 0;                  // with more than its share, since it was last seen to read
    std::uint64_t freed_before = 0;  // freed_ at the last trial
    bool is_deaf = false;
    bool may_have_short_trial = false;  // of a deaf one, without a pause
    Clock::time_point next_trial = {};  // of a deaf one
    Duration pause{};
  };

  Peer& peer_at(const Address& address);
  /// Forgets such peers when there are too many, and drops what waits for them.
  template <class Predicate>
  void forget_if(Predicate is_dispensable);
  /// What those who were never seen to read may fill of the buffer.
  std::size_t newcomers_part() const { return buffer_ / 2; }
  std::size_t limit_of(const Peer& peer) const { return peer.has_read ? buffer_ : newcomers_part(); }
  /// Takes note of what the peer has read. Whether a datagram of that cost may be sent to it.
  bool update_and_check_room(std::span<const std::byte> bytes, Peer& peer);
  /// For one datagram to a peer that has nothing unread, or is tried: a small one may use the reserve.
  bool has_room(std::size_t size, std::size_t in_use, std::size_t limit) const;
  void note_that_it_reads(Peer& peer);
  /// False when the kernel has no room for it now; else it is sent, or dropped after an error.
  bool try_send(std::span<const std::byte> bytes, Peer& peer);
  /// Sends it to a deaf peer if it is time for a trial, or drops it.
  void put_to_deaf(std::span<const std::byte> bytes, Peer& peer);
  void keep(std::span<const std::byte> bytes, Peer& peer);
  void send_waiting(Peer& peer);
  /// Whether another trial can tell that the peer reads.
  bool is_trial_owed(const Peer& peer) const;
  /// And there is room for what waits for it.
  bool may_be_tried(const Peer& peer);
  /// Sends one datagram in spite of what is unread, to the one peer for which that is most urgent.
  void try_next();
  void begin_trial(Peer& peer);
  /// Whether nothing could be sent for so long that the peer is to be given up.
  bool is_hopeless(const Peer& peer);
  void give_up(Peer& peer);
  void postpone_trial(Peer& peer);
  void take_from_waiting(Peer& peer);
  void drop_waiting(Peer& peer);
  /// Of the peer: something waits, or has been sent, since now.
  static void begin_to_wait(Peer& peer);
  /// Bytes of the buffer that are in use now.
  std::size_t in_use();

  Descriptor socket_;
  Options options_;
  DatagramCount& sent_;
  std::uint64_t& dropped_;
  std::size_t buffer_;                           // bytes: SO_SNDBUF
  std::size_t waiting_ = 0, waiting_bytes_ = 0;  // of all peers
  std::size_t last_in_use_ = 0;
  std::uint64_t freed_ = 0;                         // bytes by which in_use() was seen to fall
  Peer* on_trial_ = nullptr;                        // of peers_
  Clock::time_point trial_end_ = {};                // until then no other peer is tried
  std::map<std::string, Peer, std::less<>> peers_;  // by the bytes of the address
};

}  // namespace sockx
