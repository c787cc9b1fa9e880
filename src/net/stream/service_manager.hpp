// ServiceManager: sockets that a service manager has opened for this process, and the messages to it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "net/address/address.hpp"
#include "net/socket.hpp"

namespace sockx {

/// The environment that sd_listen_fds(3) and sd_notify(3) describe.
struct ActivationVariables {
  std::optional<std::string> pid, fds, names;  // LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES
  std::optional<std::string> notify;           // NOTIFY_SOCKET

  /// Takes them out of the environment, so that no program that we start mistakes them for its own. Call it
  /// while there is one thread.
  static ActivationVariables take();
};

struct ActivatedSocket {
  int fd = -1;
  std::string name;  // of LISTEN_FDNAMES; empty where that is not set
};

/// The sockets that are meant for the process `own`, at least one. Throws BadInput, which quotes the
/// variable.
std::vector<ActivatedSocket> parse_activation(const ActivationVariables& variables, pid_t own);

/// The service manager at NOTIFY_SOCKET.
class ServiceManager {
 public:
  /// `address` is a path, or '@' and an abstract name. Throws BadInput, Error.
  explicit ServiceManager(const std::string& address);
  /// Sends "READY=1" and the like, without waiting. Throws Error.
  void tell(std::string_view state) const;

 private:
  Address address_;
  Socket socket_;
};

/// Moves the socket that is standard input, as inetd(8) gives it, to another descriptor; /dev/null takes its
/// place. Throws BadInput when it is none that listens or is connected, or of another type.
Socket take_socket_of_standard_input(int type);

}  // namespace sockx
