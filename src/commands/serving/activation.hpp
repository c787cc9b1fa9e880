// Activation: sockets from inetd or a service manager (--inetd, --systemd), and notifications to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/non_copyable.hpp"
#include "cli/context.hpp"
#include "commands/stream/listening.hpp"
#include "net/stream/service_manager.hpp"

namespace sockx {

class Flags;

struct ActivationOptions {
  bool inetd = false, systemd = false;
  bool are_given() const { return inetd || systemd; }
};

/// They exclude the options for opening a socket.
void add_activation_flags(Flags& flags, ActivationOptions& target);

/// Where to listen; nothing with activation. Throws BadInput.
std::optional<Endpoint> endpoint_to_listen_on(const ActivationOptions& flags,
                                              const std::vector<std::string>& words);

/// Listening sockets, or one connection.
struct Activated {
  std::vector<Listener> listeners;
  std::optional<Connection> connection;
};

/// The sockets that a service manager passes. It gets READY=1 by ready(), and STOPPING=1 at the latest when
/// this is dropped.
class Activation : NonCopyable {
 public:
  /// Takes the variables out of the environment. Throws BadInput.
  Activation(Context& context, const ActivationOptions& flags);
  ~Activation() { stopping(); }

  /// Takes the sockets over. Throws BadInput.
  Activated open(EventLoop& loop, const ListeningOptions& listening);
  void ready();
  void stopping();

 private:
  void tell(std::string_view state) const;
  Context& context_;
  ActivationOptions flags_;
  std::vector<ActivatedSocket> sockets_;
  std::optional<ServiceManager> manager_;
  bool is_ready_ = false;
};

}  // namespace sockx
