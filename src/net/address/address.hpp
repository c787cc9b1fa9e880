// Address: a resolved socket address of any family.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sockx {

/// IPv4 or IPv6.
inline bool is_internet(int family) { return family == AF_INET || family == AF_INET6; }

/// A value: a struct sockaddr of AF_INET, AF_INET6, AF_UNIX (by path or abstract) or AF_VSOCK with its
/// length.
class Address {
 public:
  Address() = default;
  /// Copies what a system call returned; an IPv4-mapped IPv6 address is kept as it is, but shown as IPv4.
  Address(const sockaddr* address, socklen_t size);
  /// `name` is a path, or begins with '@' for the abstract namespace (unix(7)). Throws BadInput, which quotes
  /// what was `typed` for it, when it is longer than sun_path has room for, or a path with a NUL byte.
  static Address unix_name(const std::string& name, const std::string& typed = "");
  static Address vsock(std::uint32_t cid, std::uint32_t port);
  /// Every address of the family (INADDR_ANY, in6addr_any).
  static Address any(int family, std::uint16_t port);

  int family() const { return storage_.ss_family; }
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  /// These as a key, good as long as this.
  std::string_view bytes() const { return {reinterpret_cast<const char*>(&storage_), size_}; }
  /// The same bytes: family, host, port, scope.
  bool operator==(const Address& other) const;

  /// "127.0.0.1:80", "[fe80::1%eth0]:80", "unix:/run/x", "unix:@x", "vsock:2:80"; an endpoint's own
  /// notation, but for a unix socket without a name, "unix:(unnamed)".
  std::string to_string() const;
  /// "127.0.0.1", "fe80::1%eth0"; for a unix socket its name, for vsock the CID. A name is escaped(): a peer
  /// may have any bytes in its own, NUL among them.
  std::string host() const;
  /// 0 for a unix socket.
  std::uint32_t port() const;
  /// What inet_ntop(3) makes of an IPv4 or IPv6 address: without a scope, and a mapped address stays mapped.
  std::string ntop() const;
  std::uint32_t flowinfo() const;  // of IPv6, in host order; else 0
  std::uint32_t scope_id() const;  // of IPv6, the number of an interface; else 0
  /// The same host with another port; other families than IPv4 and IPv6 stay as they are.
  Address with_port(std::uint16_t port) const;
  /// 0.0.0.0 or ::, which stand for every address.
  bool is_any() const;
  /// 127.0.0.0/8 (mapped into IPv6 too) or ::1.
  bool is_loopback() const;
  /// An IPv4 address in IPv6's form: ::ffff:0:0/96.
  bool is_ipv4_mapped() const;
  /// 224.0.0.0/4 (mapped into IPv6 too) or ff00::/8.
  bool is_multicast() const;
  /// The name in the file system of a unix socket, or empty.
  std::string path() const;

 private:
  std::string unix_text() const;
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace sockx
