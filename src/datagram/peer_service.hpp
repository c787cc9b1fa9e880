// PeerService: what serves each peer of a listener by itself, and answers at its own time.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flow/task.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

class PeerService {
 public:
  struct Answer {
    AnswerPath path;
    std::vector<std::byte> bytes;
  };
  virtual ~PeerService() = default;

  /// Takes one datagram, of a train perhaps, or drops it. Does not wait.
  virtual void take(const Datagram& train, std::span<const std::byte> bytes) = 0;
  /// An answer to that peer was refused: its socket is gone.
  virtual void note_refusal(const Address& peer, const std::string& reason) = 0;
  /// The next datagram to be sent, or nothing when none is ready.
  virtual std::optional<Answer> next_answer() = 0;
  /// Until one is ready.
  virtual Task<> wait_for_answer() = 0;
  /// Works for the peers. Never ends.
  virtual Task<> run() = 0;
  /// No more datagrams come: until all peers have been served to their end, and next_answer() has given the
  /// last answer.
  virtual Task<> finish() = 0;
};

}  // namespace sockx
