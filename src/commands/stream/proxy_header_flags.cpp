#include "commands/stream/proxy_header_flags.hpp"

#include "base/error.hpp"
#include "cli/flags.hpp"
#include "net/proxy/proxy_header_layers.hpp"

namespace sockx {

Flag add_send_proxy_flag(Flags& flags, std::optional<ProxyHeaderVersion>& version, const std::string& whose) {
  const std::vector<std::pair<std::string, std::optional<ProxyHeaderVersion>>> versions{
      {"v1", ProxyHeaderVersion::v1}, {"v2", ProxyHeaderVersion::v2}};
  return flags.add_choice("--send-proxy", version, versions,
                          "send a PROXY header (HAProxy) of this version first, with " + whose);
}

void check(const std::optional<ProxyHeaderVersion>& version, const StreamOptions& stream) {
  if (version && stream.type == SOCK_SEQPACKET)
    throw BadInput("--send-proxy is for a stream of bytes: leave --type seqpacket out");
}

void dial_with_header(const std::optional<ProxyHeaderVersion>& version, StreamOptions& stream,
                      bool is_check) {
  if (version) stream.layers.push_back(send_proxy_header(*version, is_check));
}

}  // namespace sockx
