// DatagramAccess: who may send to a listener, by --allow, --deny and their files.
#pragma once

#include "cli/context.hpp"
#include "cli/log_limit.hpp"
#include "commands/serving/access.hpp"
#include "datagram/peers.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

class DatagramAccess {
 public:
  /// `sources` must outlive this.
  DatagramAccess(Context& context, const AccessSources& sources)
      : context_(context), control_(context, sources) {}

  AccessControl& control() { return control_; }
  /// Whether the datagram may be received. If not, that is told once for each sender, at a bounded rate: the
  /// address of a sender can be forged.
  bool admits(const Datagram& datagram);

 private:
  Context& context_;
  AccessControl control_;
  Peers told_;
  LogLimit limit_;
};

}  // namespace sockx
