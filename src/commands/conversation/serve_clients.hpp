// The options of listen for serving many clients, or one with a handler, and the server itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/time_limits.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "commands/conversation/proxy_serving.hpp"
#include "commands/ends/end_kind.hpp"
#include "commands/serving/hosting.hpp"
#include "commands/stream/proxy_flags.hpp"
#include "commands/stream/proxy_header_flags.hpp"
#include "commands/stream/tls_flags.hpp"
#include "flow/relay.hpp"

namespace sockx {

class Flag;
class Flags;

struct ServingOptions {
  HostingOptions hosting;
  bool whole_lines = false;                      // of clients whose bytes go to one place
  std::string handler, forward, send;            // what serves; empty where not said
  ParsedEnd forwarded;                           // what `forward` has come to
  ProxyFlags upstream;                           // on the way there
  std::optional<ProxyHeaderVersion> send_proxy;  // to it
  ProxyServingOptions proxy;                     // of the handler of that name
  std::vector<std::string> dialing;              // the options for dialing that were given
  std::optional<Until> until;  // --until, which is declared with the options of a conversation

  bool serves_proxy() const { return handler == "proxy"; }
  /// Whether an option was given that a single conversation with the standard streams does not have.
  bool are_given() const {
    return whole_lines || !proxy.given.empty() || !upstream.credentials_file.empty() || !dialing.empty() ||
           !handler.empty() || !forward.empty() || !send.empty() || hosting.are_given();
  }
};

/// The flags, which exclude those of one conversation.
void add_serving_flags(Flags& flags, ServingOptions& options, const std::vector<Flag>& conversation);

/// Adds what the options imply: the default handler, and keep_open. Throws BadInput for options that do not
/// go together.
void complete(ServingOptions& options, const ConversationOptions& conversation);
/// Reads --forward. The options of TLS that are for its target are taken out of `serving`. Throws BadInput.
void complete_forward(ServingOptions& options, TlsFlags& serving);

/// Serves until stopped, or a single client without keep_open. Throws Interrupted when a signal has ended it.
void serve_clients(Context& context, const std::optional<Endpoint>& endpoint,
                   const ListeningOptions& listening, const ServingOptions& options,
                   const ConversationOptions& conversation);

}  // namespace sockx
