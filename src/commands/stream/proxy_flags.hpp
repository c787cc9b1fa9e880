// Proxies as commands have them: --proxy and its credentials, what they are checked against, and the route.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "commands/stream/tls_flags.hpp"
#include "net/proxy/proxy_route.hpp"

namespace sockx {

class Flags;
class Flag;

struct ProxyFlags {
  std::vector<Proxy> proxies;
  bool from_environment = false;           // --proxy env
  std::optional<Credentials> credentials;  // --proxy-auth
  std::string credentials_file;            // --proxy-auth-file
  std::string credentials_in_environment;  // SOCKX_PROXY_AUTH
  TlsFlags tls;                            // of an https proxy
  std::string reason;                      // what the environment has led to

  /// Whether one of them is reached by TLS. One of the environment is known after complete().
  bool have_https() const;
  bool are_given() const { return from_environment || !proxies.empty(); }
};

/// The variable with credentials, which no child of ours has.
inline constexpr const char* credentials_variable = "SOCKX_PROXY_AUTH";

/// --proxy, --proxy-auth, --proxy-auth-file. Returns the first. If the command may be a proxy itself, the
/// file may be for that.
Flag add_proxy_flags(Flags& flags, ProxyFlags& proxy, bool may_serve = false, const std::string& note = {});
/// To be called when the options have been read, and before complete() of `tls`, from which an https proxy
/// takes its options. Chooses the proxy of the environment, and gives each its credentials. Throws BadInput
/// for what does not go together, and for a target that the proxy cannot be asked for. `ports` are those of a
/// scan.
void complete(ProxyFlags& proxy, TlsFlags& tls, const Endpoint& target, const StreamOptions& stream,
              const std::vector<std::uint16_t>& ports = {});

/// The way through the proxies, in no longer than `limit`; empty without --proxy. Throws as make_tls().
ProxyRoute make_route(Context& context, const ProxyFlags& proxy, std::optional<Duration> limit = {});

/// Overwrites the credentials in the words of a command line: the value of --proxy-auth, and what is in front
/// of the host in a URL. `words` are the process's own, which ps(1) shows.
void blank_credentials(const std::vector<char*>& words);

/// The message, with asterisks in place of these credentials: one about a command line may quote any of its
/// words.
std::string without_credentials_of(std::vector<std::string> words, std::string message);

/// For events: the peer of a connection, and the proxies, if there are any.
std::vector<Field> peer_fields(const Connection& connection);

}  // namespace sockx
