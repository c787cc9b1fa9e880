// For commands that listen: options, log lines and the port file around listen_on().
#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"
#include "commands/stream/tls_flags.hpp"
#include "net/stream/listen.hpp"
#include "net/tls/tls_context.hpp"

namespace sockx {

class Flags;

struct ListeningOptions {
  ListenerOptions options;
  std::string port_file;
  std::shared_ptr<TlsContext> tls;  // whose pin is told; null without TLS
  std::string pin_file;
  ClientCommand client;  // how a client connects by TLS
};

/// The flags of a stream, --backlog and --port-file.
void add_listen_flags(Flags& flags, ListeningOptions& target);

/// --backlog.
void add_backlog_flag(Flags& flags, int& target);
/// --mode, --owner.
void add_socket_file_flags(Flags& flags, SocketFileRights& target);
/// Those two, --v6only, --reuse-port.
void add_binding_flags(Flags& flags, ListeningOptions& target);

/// Removes a port file of an earlier run, so that a script that waits for the file does not read that. Throws
/// BadInput for an endpoint without a port.
void prepare_port_file(const std::string& path, const Endpoint& endpoint);
/// Reports where a socket listens: log line, event `listening`, which has the fields `more` too, port file.
void tell_listening(Context& context, const Address& address, const std::string& port_file,
                    std::vector<Field> more = {});

/// Listens, and calls tell_listening().
Task<Listener> open_listener(Context& context, Endpoint endpoint, ListeningOptions flags);
/// The same for an inherited socket, which listens already.
Listener adopt_listener(Context& context, EventLoop& loop, Socket socket, const ListeningOptions& flags);
/// As open_listener(), with `count` sockets that share one port.
Task<std::vector<Socket>> open_shared_port(Context& context, Endpoint endpoint, ListeningOptions flags,
                                           unsigned count);

}  // namespace sockx
