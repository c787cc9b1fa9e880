#include "commands/datagram/datagram_access.hpp"

namespace sockx {

bool DatagramAccess::admits(const Datagram& datagram) {
  const auto reason = control_.reason_to_refuse(Peer{datagram.source, datagram.user});
  if (!reason) return true;
  if (told_.has(datagram.source) || !limit_.admits(context_.loop().now())) return false;
  told_.add(datagram.source);
  const auto peer = shown_address(datagram.source);
  context_.log.info("{} was turned away: {}; its other datagrams are only counted", peer, *reason);
  context_.report.event("refused", {{"peer", peer}, {"reason", *reason}});
  return false;
}

}  // namespace sockx
