// Outbox: a queue of datagrams, sent in as few calls as the kernel allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "flow/task.hpp"
#include "flow/watch.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

/// Waits until a send that failed with EAGAIN, ENOBUFS or ENOMEM may be tried again. There is no event for
/// room in the queue of one of many unix sockets, or for kernel memory: so this takes 10 ms at most.
Task<> wait_for_room(Watch& watch, int error);

struct DatagramCount {
  std::uint64_t datagrams = 0, bytes = 0;
};

class Outbox {
 public:
  /// What to do about an errno that a call left whose first datagram is `datagram`: true to try again,
  /// because the error was of an earlier one; false to leave this one out; or it throws.
  using OnError = std::function<bool(int error, const OutgoingDatagram& datagram)>;
  struct Options {
    int flags = 0;             // for sendmmsg(2)
    bool makes_trains = true;  // let the kernel cut datagrams of one size out of longer ones: UDP_SEGMENT
  };
  /// `socket` and `watch` are borrowed; `sent` is kept up to date.
  Outbox(Descriptor socket, Watch& watch, Options options, DatagramCount& sent, OnError on_error);

  /// Copies a datagram; to its peer if `to` is null; `from` as in OutgoingDatagram. Flush a full outbox
  /// first.
  void put(std::span<const std::byte> bytes, const Address* to = nullptr, const Address* from = nullptr);
  bool is_empty() const { return entries_.empty(); }
  bool is_full() const;
  /// Sends what was put, waiting where the kernel has no room. One at a time, and nothing is put meanwhile.
  Task<> flush();

 private:
  struct Entry {
    std::size_t begin, size;
    std::size_t path;  // index in paths_; none for the peer
  };
  static constexpr std::size_t none = SIZE_MAX;
  OutgoingDatagram single(const Entry& entry) const;
  bool joins(const OutgoingDatagram& datagram, const OutgoingDatagram& train, std::size_t count) const;
  void form_trains(std::size_t first_entry);
  Task<> send_trains();
  Task<bool> recover(int error, const OutgoingDatagram& first);
  void count_as_sent(std::size_t train);

  Descriptor socket_;
  Watch& watch_;
  Options options_;
  DatagramCount& sent_;
  OnError on_error_;
  std::vector<std::byte> bytes_;
  std::vector<Entry> entries_;
  std::vector<AnswerPath> paths_;
  std::vector<OutgoingDatagram> trains_;
  std::vector<std::size_t> first_entries_;  // of the trains
};

}  // namespace sockx
