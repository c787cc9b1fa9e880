// The options of listen --handler proxy.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/time_limits.hpp"
#include "net/address/endpoint.hpp"
#include "net/proxy/proxy_rules.hpp"
#include "net/stream/stream_options.hpp"
#include "serve/handler.hpp"

namespace sockx {

class Flags;

struct ProxyServingOptions {
  std::string auth_file;  // of its users; empty: everybody
  std::vector<ProxyRule> permitted, denied;
  std::vector<std::string> given;  // the names of the options that were
  bool is_guarded = false;         // not everybody who reaches it may use it
};

/// --proxy-to, --proxy-deny. --proxy-auth-file is one of add_proxy_flags().
void add_proxy_serving_flags(Flags& flags, ProxyServingOptions& options);

/// A proxy that is open to all listens on the loopback interface only: without a host in `words` that becomes
/// the endpoint. Throws BadInput for any other.
void restrict_to_loopback(const ProxyServingOptions& options, const std::vector<std::string>& words,
                          const StreamOptions& stream, std::optional<Endpoint>& endpoint);
/// The same for where a socket listens, or a connection has come to. Throws BadInput.
void check_exposure(const ProxyServingOptions& options, const Address& address);

/// Throws BadInput for a file that cannot be read.
std::unique_ptr<Handler> proxy_of(Context& context, const ProxyServingOptions& options, bool numeric,
                                  const TimeLimits& limits);

}  // namespace sockx
