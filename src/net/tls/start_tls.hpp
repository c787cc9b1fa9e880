// start_tls(): the layer that makes a connection one of TLS.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/stream/layers.hpp"
#include "net/tls/tls_context.hpp"
#include "net/tls/tls_facts.hpp"

namespace sockx {

/// Does the handshake, verifies the peer as the options of `context` say, and gives the stream its transform;
/// Connection::tls then has what was agreed upon. `peer` is what messages call the peer, "example.com:443";
/// empty: the name of the connection. `tell` is called when that is done. The layer throws TlsError (after it
/// has sent the alert), TimedOut at the deadline, and Error.
Layer start_tls(std::shared_ptr<const TlsContext> context, std::string peer = {},
                std::function<void(const Connection&)> tell = {});

}  // namespace sockx
