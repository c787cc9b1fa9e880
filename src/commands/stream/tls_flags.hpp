// TLS as commands have it: the --tls flags, what they are checked against, and what is told of a handshake.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "net/address/endpoint.hpp"
#include "net/stream/stream_options.hpp"
#include "net/tls/tls_context.hpp"

namespace sockx {

class Flags;
class Flag;
struct TlsFacts;

struct TlsFlags {
  bool is_on = false;
  TlsOptions options;
  std::string pin_file;  // of a server
};

/// --tls and all that begin so. Those of `without` cannot be given together with --tls.
void add_tls_flags(Flags& flags, TlsFlags& tls, TlsOptions::Role role,
                   std::initializer_list<const char*> without);
/// The name to verify is that of the endpoint, unless the user has said another. Throws BadInput for what
/// does not go together.
void complete(TlsFlags& tls, const Endpoint& endpoint, const StreamOptions& stream);

/// Null without --tls. Warns of a key log that the environment asks for. Throws as TlsContext does.
std::shared_ptr<TlsContext> make_tls(Context& context, const TlsFlags& tls);
/// start_tls(), for no longer than `limit`, which then tells what has been agreed upon. `peer` is what
/// messages call the peer; empty: its address.
Layer tls_layer(Context& context, std::shared_ptr<const TlsContext> tls, const std::string& peer = {},
                std::optional<Duration> limit = {});

/// For the event `listening`; also logs the command for a client, and writes the pin file, where those are
/// wanted.
std::vector<Field> tell_pin(Context& context, const TlsContext& tls, const Address& address,
                            const std::string& pin_file);
/// For events: what has been agreed upon, and with whom.
std::vector<Field> fields_of(const TlsFacts& facts);
/// The same in words: "TLSv1.3, TLS_AES_256_GCM_SHA384, CN=example.com (issuer ...), verified by chain".
std::string shown(const TlsFacts& facts);

}  // namespace sockx
