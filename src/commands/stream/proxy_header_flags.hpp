// --send-proxy, of commands that dial.
#pragma once

#include <optional>
#include <string>

#include "net/proxy/proxy_header.hpp"
#include "net/stream/stream_options.hpp"

namespace sockx {

class Flag;
class Flags;

/// --send-proxy; `whose` says for --help which addresses it sends.
Flag add_send_proxy_flag(Flags& flags, std::optional<ProxyHeaderVersion>& version, const std::string& whose);
/// Throws BadInput for a socket that keeps records.
void check(const std::optional<ProxyHeaderVersion>& version, const StreamOptions& stream);
/// With a version: adds the layer, which is to stand before that of TLS. `is_check` as for
/// send_proxy_header().
void dial_with_header(const std::optional<ProxyHeaderVersion>& version, StreamOptions& stream,
                      bool is_check = false);

}  // namespace sockx
