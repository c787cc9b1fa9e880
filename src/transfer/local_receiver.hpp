// LocalReceiver: another sockx process on this host that receives and discards.
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

/// Runs `sockx recv-file --discard --keep-open` on a loopback port, and reads its events. It is another
/// process, so that its costs are counted separately.
class LocalReceiver {
 public:
  explicit LocalReceiver(EventLoop& loop);

  /// Where it listens. To be called first.
  Task<Endpoint> endpoint();
  struct Total {
    std::uint64_t bytes = 0;
    Cost cost;
  };
  /// The bytes of the next connection that ends, and what they cost the receiver.
  Task<Total> next_total();

 private:
  Task<std::string> next_line();
  Child child_;
  Stream output_;
  std::string unread_;
};

}  // namespace sockx
