// AccessControl: --allow, --deny and their files, for commands that listen.
#pragma once

#include <optional>
#include <string>

#include "cli/context.hpp"
#include "flow/notification.hpp"
#include "net/stream/access_list.hpp"
#include "serve/server.hpp"

namespace sockx {

class Flags;

/// --allow, --deny, --allow-file, --deny-file; and --accept-proxy, where there are connections.
enum class AccessTo { connections, datagrams };
void add_access_flags(Flags& flags, AccessSources& sources, AccessTo what = AccessTo::connections);
/// Throws BadInput for rules that no peer of the endpoint can fit, and a socket that keeps records.
void check(const AccessSources& sources, const std::optional<Endpoint>& endpoint,
           const StreamOptions& stream);

/// The rules that are in force.
class AccessControl {
 public:
  /// `sources` must outlive this. `known` are rules that were read from them before.
  AccessControl(Context& context, const AccessSources& sources, std::optional<AccessList> known = {});

  /// Reads the rules; look-ups do not block the loop. Throws BadInput, ResolveError. If there are rules
  /// already, a failure is only logged, and these stay in force.
  Task<> load();
  /// The rules, if there are any.
  const std::optional<AccessList>& list() const { return list_; }
  /// Why a peer is not served, or nothing. Where proxies are expected, this is asked of the proxy.
  std::optional<std::string> reason_to_refuse(const Connection& connection) const;
  std::optional<std::string> reason_to_refuse(const Peer& peer) const;
  /// Where proxies are expected: reads the PROXY header, and asks the same of the client.
  Task<std::optional<Refusal>> admit(Connection& connection, Deadline deadline) const;
  /// Whether the signal asks for reading the files again; attend() then does.
  bool handle_signal(int signal);
  /// Loads the rules after each such signal. Never ends.
  Task<> attend();

 private:
  Context& context_;
  const AccessSources& sources_;
  std::optional<AccessList> list_;
  Notification asked_;
  bool is_asked_ = false;
};

}  // namespace sockx
