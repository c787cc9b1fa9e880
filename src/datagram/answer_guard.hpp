// AnswerGuard: which datagrams an echo server answers. It refuses those of known loops between servers, and
// bounds the rate of the rest.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "flow/clock.hpp"
#include "net/address/address.hpp"

namespace sockx {

/// Datagrams a second to each peer, on average over `seconds_of_burst`; 0: no limit.
struct AnswerRate {
  static constexpr double seconds_of_burst = 1000;
  static constexpr double peers = 100;  // the total limit is 100 times the limit of one peer
  double of_peer = 1000;
};

/// Why a datagram is not answered.
enum class AnswerRefusal { no, own_address, echo_port, rate, no_address };

/// The file of a path, through symbolic links.
struct FileIdentity {
  dev_t device;
  ino_t inode;
  bool operator==(const FileIdentity&) const = default;
  /// Nothing for an empty path, and where there is no file.
  static std::optional<FileIdentity> of(const std::string& path);
};

/// Over UDP the sender of a datagram can be forged; over unix sockets its path can come to lead to another
/// socket. If that is our own address, or another server that answers everything, our answer would be
/// answered, and so on. inetd(8) has the same rules, but for the rate, which bounds a loop that the other
/// rules do not recognize: what is not answered does not come back, so a loop that is faster than the rate
/// ends.
class AnswerGuard {
 public:
  /// `local` is what the socket is bound to.
  AnswerGuard(const Address& local, AnswerRate rate);

  /// Whether datagrams of that source may be answered at all.
  AnswerRefusal judge_source(const Address& source) const;
  /// The same, and counts a datagram that may be answered.
  AnswerRefusal judge(const Address& source, Clock::time_point now);

 private:
  /// How much of the burst is used up.
  struct Use {
    double datagrams = 0;
    Clock::time_point when = {};
    void age(double rate, Clock::time_point now);
  };
  bool is_ours(const Address& source) const;
  Use& use_of(const Address& source);

  Address local_;
  std::optional<FileIdentity> own_file_;  // of a unix socket with a path
  AnswerRate rate_;
  std::vector<Use> peers_;  // by a hash of the address: it does not matter that a few peers share an entry
  Use all_;
};

}  // namespace sockx
