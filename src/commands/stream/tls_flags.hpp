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
  std::string client_ca, pin_file;  // of a server
  std::vector<std::string> given;   // names of the options besides --tls
};

/// The side of TLS that a command is: a client, a server, or what other options decide. A server may be the
/// client of another one: see take_client_part().
enum class TlsSide { client, server, either };

/// --tls and all that begin so. Those of `without` cannot be given together with --tls.
void add_tls_flags(Flags& flags, TlsFlags& tls, TlsSide side, std::initializer_list<const char*> without);
/// Of a server that connects to another server by TLS: the options for that. They are taken out of `serving`.
TlsFlags take_client_part(TlsFlags& serving);
/// To be called when the options have been read. The name to verify is that of the endpoint, unless the user
/// has said another. Throws BadInput for what does not go together, and for options of the other role.
void complete(TlsFlags& tls, TlsOptions::Role role, const Endpoint& endpoint, const StreamOptions& stream);

/// Null without --tls. Warns of a key log that the environment asks for. Throws as TlsContext does.
std::shared_ptr<TlsContext> make_tls(Context& context, const TlsFlags& tls);
/// Logs and reports what a handshake has come to; `peer` may be a proxy on the way to that of the connection.
void tell_tls(Context& context, const TlsOptions& options, const Connection& connection,
              const std::string& peer);
/// start_tls(), for no longer than `limit`, which then tells what has been agreed upon. `peer` is what
/// messages call the peer; empty: its address.
Layer tls_layer(Context& context, std::shared_ptr<const TlsContext> tls, const std::string& peer = {},
                std::optional<Duration> limit = {});

/// With --tls: adds that layer for connections to `endpoint`. Throws as make_tls().
void dial_by_tls(Context& context, const TlsFlags& tls, const Endpoint& endpoint, StreamOptions& stream,
                 std::optional<Duration> limit = {});

/// What a client types: "sockx NAME --tls --tls-pin PIN WORDS HOST PORT".
struct ClientCommand {
  std::string name = "connect";
  std::string words = {};
};
/// For the event `listening`; also logs the command for a client, and writes the pin file, where those are
/// wanted.
std::vector<Field> tell_pin(Context& context, const TlsContext& tls, const Address& address,
                            const std::string& pin_file, const ClientCommand& client);
/// For events: what has been agreed upon, and with whom.
std::vector<Field> fields_of(const TlsFacts& facts);
/// The same in words: "TLSv1.3, TLS_AES_256_GCM_SHA384, CN=example.com (issuer ...), verified by chain".
std::string shown(const TlsFacts& facts);

}  // namespace sockx
