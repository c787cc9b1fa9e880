// LocalReceiver: another sockx on this host that counts what it is sent.
#pragma once

#include <cstdint>
#include <string>

#include "flow/event_loop.hpp"
#include "flow/stream.hpp"
#include "flow/task.hpp"
#include "net/address/endpoint.hpp"
#include "os/child.hpp"
#include "transfer/transfer_stats.hpp"

namespace sockx {

/// Runs `sockx recv-file --discard --keep-open` on a loopback port as a process of its own, so that what it
/// costs is not counted as ours, and reads its events.
class LocalReceiver {
 public:
  explicit LocalReceiver(EventLoop& loop);

  /// Where it listens; to be asked first.
  Task<Endpoint> endpoint();
  struct Total {
    std::uint64_t bytes = 0;
    Cost cost;
  };
  /// What the next connection to end has brought, and what that cost the receiver.
  Task<Total> next_total();

 private:
  Task<std::string> next_line();
  Child child_;
  Stream output_;
  std::string unread_;
};

}  // namespace sockx
