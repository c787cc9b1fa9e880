// What every command that listens does around listen_on().
#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"
#include "net/stream/listen.hpp"

namespace sockx {

class Flags;

struct ListeningOptions {
  ListenerOptions options;
  std::string port_file;
};

/// The flags of a stream, --backlog and --port-file.
void add_listen_flags(Flags& flags, ListeningOptions& target);

/// --mode, --owner, --v6only, --reuse-port.
void add_binding_flags(Flags& flags, ListeningOptions& target);

/// Throws BadInput for a port file of what has no port, and removes one that an earlier run has left: whoever
/// waits for the file must not find that.
void prepare_port_file(const std::string& path, const Endpoint& endpoint);
/// Says where a socket listens: log line, event `listening`, port file.
void tell_listening(Context& context, const Address& address, const std::string& port_file);

/// Listens, and then says where: log line, event `listening`, port file.
Task<Listener> open_listener(Context& context, Endpoint endpoint, ListeningOptions flags);
/// Says where a socket listens that has been handed down to us.
Listener adopt_listener(Context& context, EventLoop& loop, Socket socket, const ListeningOptions& flags);
/// The same as open_listener() with so many sockets of one port.
Task<std::vector<Socket>> open_shared_port(Context& context, Endpoint endpoint, ListeningOptions flags,
                                           unsigned count);

}  // namespace sockx
