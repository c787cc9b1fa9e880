// --inetd and --systemd: sockets that are there already, and what whoever opened them is told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/non_copyable.hpp"
#include "cli/context.hpp"
#include "commands/stream/listening.hpp"
#include "net/stream/activation.hpp"

namespace sockx {

class Flags;

struct ActivationOptions {
  bool inetd = false, systemd = false;
  bool are_given() const { return inetd || systemd; }
};

/// Excludes what only a socket of our own has a use for.
void add_activation_flags(Flags& flags, ActivationOptions& target);

/// Where to listen; nothing where there is activation in its place. Throws BadInput.
std::optional<Endpoint> endpoint_to_listen_on(const ActivationOptions& flags,
                                              const std::vector<std::string>& words);

/// Listening sockets, or one connection.
struct Activated {
  std::vector<Listener> listeners;
  std::optional<Connection> connection;
};

/// What a service manager has given us. Sends it READY=1 once asked, and STOPPING=1 at the latest when this
/// is dropped.
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
