// Datagrams: batches of them by recvmmsg(2) and sendmmsg(2), with what the kernel tells beside the bytes.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/address/address.hpp"
#include "os/descriptor.hpp"

namespace sockx {

/// A received datagram or, where UDP_GRO is on, a train of several.
struct Datagram {
  std::span<const std::byte> bytes;  // those that were kept; valid until the next receive()
  std::size_t size = 0;              // its own size: more than the bytes when it was cut
  std::size_t segment = 0;  // of a train: the size of each but the last, which may be shorter; else 0
  Address source;
  int flags = 0;  // msg_flags of recvmsg(2)

  // What ask_for_facts() asks for; as they are here where the kernel says nothing.
  std::optional<Address> destination;            // to which of our addresses, or which group; without a port
  bool is_answered_from_destination = false;     // see answer_source()
  unsigned interface = 0;                        // its number
  int ttl = -1;                                  // or the hop limit
  int tos = -1;                                  // or the traffic class
  std::optional<std::chrono::nanoseconds> time;  // of arrival, since 1970
  std::optional<uid_t> user;                     // who has sent it through a unix socket: SCM_CREDENTIALS

  bool is_cut() const { return size > bytes.size(); }
  /// The address of ours that an answer comes from; null: the kernel chooses.
  const Address* answer_source() const { return is_answered_from_destination ? &*destination : nullptr; }
};

/// Where answers to a peer go, and which of our addresses they come from.
struct AnswerPath {
  AnswerPath(const Address& peer, const Address* source) : to(peer) { set_source(source); }

  /// Null: the kernel chooses.
  const Address* source() const { return from ? &*from : nullptr; }
  void set_source(const Address* source) {
    if (has_source(source)) return;
    if (source != nullptr)
      from = *source;
    else
      from.reset();
  }
  bool is(const Address& peer, const Address* source) const { return to == peer && has_source(source); }
  bool has_source(const Address* source) const { return source != nullptr ? from == *source : !from; }

  Address to;
  std::optional<Address> from;  // without a port
};

/// The address as a message calls it: without a port where there is none, as with raw sockets.
std::string shown_address(const Address& address);

/// Calls `visit` with the bytes of each datagram of a train.
template <class Visit>
void for_each_of(const Datagram& train, Visit visit) {
  if (train.segment == 0) return visit(train.bytes);
  for (std::size_t at = 0; at < train.bytes.size(); at += train.segment)
    visit(train.bytes.subspan(at, std::min(train.segment, train.bytes.size() - at)));
}

class DatagramReader {
 public:
  struct Options {
    std::size_t most = 64 * 1024;       // bytes of one datagram; what is longer is cut
    unsigned batch = 32;                // datagrams by one call
    int flags = 0;                      // for recvmmsg(2)
    bool answers_as_addressed = false;  // DatagramEnd::answers_as_addressed
  };
  DatagramReader(Descriptor socket, Options options);
  ~DatagramReader();

  /// What is there now, by one call of recvmmsg(2), at most `limit` datagrams or trains; nothing when nothing
  /// is there. Throws Error, also for an error that waits on the socket, like ECONNREFUSED.
  std::span<const Datagram> receive(std::size_t limit = SIZE_MAX);
  /// Buffers, each a datagram or a train, that the kernel has dropped because the socket's queue was full, as
  /// far as the last datagram says (SO_RXQ_OVFL in socket(7)).
  std::uint32_t dropped() const { return dropped_; }

 private:
  struct Slots;
  void read_control(Datagram& datagram, const void* message);
  Descriptor socket_;
  Options options_;
  std::unique_ptr<Slots> slots_;
  std::vector<Datagram> received_;
  std::uint32_t dropped_ = 0;
};

struct OutgoingDatagram {
  std::span<const std::byte> bytes;
  const Address* to = nullptr;  // null: the socket's peer
  std::size_t segment = 0;  // not 0: a train, which the kernel cuts into datagrams of that size (UDP_SEGMENT)
  const Address* from = nullptr;  // one of our addresses; null: the kernel chooses, or the socket is bound
};

/// The result of one call of sendmmsg(2): how many of the datagrams or trains were sent, and if none was, the
/// errno, which may be EAGAIN or ENOBUFS.
struct SendOutcome {
  std::size_t sent = 0;
  int error = 0;
};
constexpr std::size_t most_at_once = 64;
/// Sends the first of them, at most `most_at_once`. Does not wait. Throws nothing. When the kernel refuses
/// the address that the first comes from, because it is no longer ours, the kernel chooses another.
SendOutcome send_datagrams(const Descriptor& socket, std::span<const OutgoingDatagram> datagrams, int flags);

/// Whether an error says that a kernel, a device or a path does not take a train; datagram by datagram it may
/// do.
bool refuses_train(int error);

/// The most datagrams that one train may have, and the most bytes.
constexpr std::size_t most_in_train = 64, longest_train = 65507;

/// The most bytes that a UDP datagram to that address has room for: udp(7), RFC 768, RFC 8200. For a unix
/// socket as many as the kernel lets it have: SIZE_MAX.
std::size_t longest_datagram(const Address& to);

}  // namespace sockx
