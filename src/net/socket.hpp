// Socket: the calls of the BSD socket interface on one owned descriptor.
#pragma once

#include <optional>
#include <string>

#include "net/address/address.hpp"
#include "os/descriptor.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// A socket of any family and type; one made here is CLOEXEC and non-blocking. Each method is the system call
/// of its name, seen by --trace, and throws Error unless it says otherwise.
class Socket {
 public:
  Socket() = default;
  explicit Socket(UniqueFd fd) : fd_(std::move(fd)) {}
  static Socket open(int family, int type, int protocol);

  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  UniqueFd release() && { return std::move(fd_); }

  void bind(const Address& address);
  void listen(int backlog);
  /// 0 when connected, EINPROGRESS, or the errno of the refusal, which does not throw.
  int connect(const Address& address);
  /// A connection, and its address in `peer`. Nothing when none waits; one that was aborted meanwhile is
  /// skipped.
  std::optional<Socket> accept(Address& peer);
  /// SO_ERROR, which this clears.
  int take_error();

  Address local() const;  // getsockname(2)
  Address peer() const;   // getpeername(2)
  bool is_listening() const;
  int type() const;  // SOCK_STREAM and so on
  /// "tcp", "mptcp", "udp", "udplite", "unix", "vsock".
  std::string_view protocol() const;
  /// Whether a connection uses Multipath TCP (RFC 8684); it may have been asked for and fallen back to TCP.
  bool uses_mptcp() const;
  /// What the byte-moving calls need to know, named after the peer (or `name`).
  Descriptor described(const std::string& name) const;

 private:
  UniqueFd fd_;
};

// The same as the methods of these names, for a socket that this does not own.
Address local_address(int socket);
Address peer_address(int socket);
std::string_view protocol_of(int socket);
bool uses_mptcp(int socket);

}  // namespace sockx
