#include "net/address/address.hpp"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/names.hpp"

namespace sockx {

namespace {

template <class Form>
const Form& as(const sockaddr* address) {
  return *reinterpret_cast<const Form*>(address);
}

bool is_mapped(const sockaddr* address) {
  return address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&as<sockaddr_in6>(address).sin6_addr);
}

}  // namespace

Address::Address(const sockaddr* address, socklen_t size)
    : size_(std::min<socklen_t>(size, sizeof storage_)) {
  std::memcpy(&storage_, address, size_);
}

Address Address::unix_name(const std::string& name, const std::string& typed) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool is_abstract = name.starts_with('@');
  const auto shown = typed.empty() ? "unix:" + escaped(name) : typed;
  if (!is_abstract && name.find('\0') != std::string::npos)
    throw BadInput(text("'{}': a path cannot contain a NUL byte", shown));
  const auto limit = sizeof address.sun_path - (is_abstract ? 0 : 1);  // a path ends with a NUL
  if (name.size() > limit)
    throw BadInput(
        text("'{}': a socket's name has at most {} bytes, this has {}", shown, limit, name.size()));
  std::memcpy(address.sun_path, name.data(), name.size());
  if (is_abstract) address.sun_path[0] = '\0';
  const auto size = offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1);
  return {reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)};
}

Address Address::vsock(std::uint32_t cid, std::uint32_t port) {
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = cid;
  address.svm_port = port;
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

Address Address::any(int family, std::uint16_t port) {
  if (family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

std::string Address::to_string() const {
  switch (family()) {
    case AF_INET:
      return text("{}:{}", host(), port());
    case AF_INET6:
      return is_mapped(data()) ? text("{}:{}", host(), port()) : text("[{}]:{}", host(), port());
    case AF_UNIX:
      return host().empty() ? "unix:(unnamed)" : "unix:" + host();
    case AF_VSOCK:
      return text("vsock:{}:{}", host(), port());
    default:
      return address_families.name_of(family());
  }
}

std::string Address::host() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_INET:
      return inet_ntop(AF_INET, &as<sockaddr_in>(data()).sin_addr, buffer, sizeof buffer);
    case AF_INET6: {
      const auto& address = as<sockaddr_in6>(data());
      if (is_mapped(data())) return inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], buffer, sizeof buffer);
      std::string host = inet_ntop(AF_INET6, &address.sin6_addr, buffer, sizeof buffer);
      if (address.sin6_scope_id == 0) return host;
      const bool is_of_link =
          IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&address.sin6_addr);
      char interface[IF_NAMESIZE];  // names are understood with addresses of a link only
      const char* const known = is_of_link ? if_indextoname(address.sin6_scope_id, interface) : nullptr;
      return host + '%' + (known ? known : std::to_string(address.sin6_scope_id));
    }
    case AF_UNIX:
      return escaped(unix_text());
    case AF_VSOCK: {
      const auto cid = as<sockaddr_vm>(data()).svm_cid;
      return cid == VMADDR_CID_ANY ? "any" : std::to_string(cid);
    }
    default:
      return "";
  }
}

std::uint32_t Address::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(as<sockaddr_in>(data()).sin_port);
    case AF_INET6:
      return ntohs(as<sockaddr_in6>(data()).sin6_port);
    case AF_VSOCK:
      return as<sockaddr_vm>(data()).svm_port;
    default:
      return 0;
  }
}

std::string Address::ntop() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  const void* const bytes = family() == AF_INET6
                                ? static_cast<const void*>(&as<sockaddr_in6>(data()).sin6_addr)
                                : &as<sockaddr_in>(data()).sin_addr;
  const char* const shown = inet_ntop(family(), bytes, buffer, sizeof buffer);
  return shown ? shown : "";
}

std::uint32_t Address::flowinfo() const {
  return family() == AF_INET6 ? ntohl(as<sockaddr_in6>(data()).sin6_flowinfo) : 0;
}

std::uint32_t Address::scope_id() const {
  return family() == AF_INET6 ? as<sockaddr_in6>(data()).sin6_scope_id : 0;
}

Address Address::with_port(std::uint16_t port) const {
  auto changed = *this;
  auto* const storage = &changed.storage_;
  if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(storage)->sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(storage)->sin6_port = htons(port);
  return changed;
}

bool Address::is_loopback() const {
  if (family() == AF_INET) return ntohl(as<sockaddr_in>(data()).sin_addr.s_addr) >> 24 == 127;
  if (family() != AF_INET6) return false;
  const auto& address = as<sockaddr_in6>(data()).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&address) || (is_mapped(data()) && address.s6_addr[12] == 127);
}

bool Address::is_ipv4_mapped() const { return is_mapped(data()); }

bool Address::is_any() const {
  if (family() == AF_INET) return as<sockaddr_in>(data()).sin_addr.s_addr == INADDR_ANY;
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&as<sockaddr_in6>(data()).sin6_addr);
}

bool Address::is_multicast() const {
  if (family() == AF_INET) return IN_MULTICAST(ntohl(as<sockaddr_in>(data()).sin_addr.s_addr));
  if (family() != AF_INET6) return false;
  const auto& address = as<sockaddr_in6>(data()).sin6_addr;
  return IN6_IS_ADDR_MULTICAST(&address) || (is_mapped(data()) && (address.s6_addr[12] & 0xf0U) == 0xe0);
}

/// What an address does not fill is zero. A size that the compiler knows saves a call for each datagram.
bool Address::operator==(const Address& other) const {
  if (size_ != other.size_) return false;
  constexpr std::size_t usual = sizeof(sockaddr_in6);
  if (size_ <= usual) return std::memcmp(&storage_, &other.storage_, usual) == 0;
  return std::memcmp(&storage_, &other.storage_, size_) == 0;
}

/// The kernel counts an abstract name by the length alone; the socket of a client usually has no name at all.
std::string Address::unix_text() const {
  const auto offset = offsetof(sockaddr_un, sun_path);
  if (size_ <= offset) return "";
  const auto& address = as<sockaddr_un>(data());
  const std::size_t length = size_ - offset;
  if (address.sun_path[0] == '\0') return "@" + std::string(address.sun_path + 1, length - 1);
  const std::string path(address.sun_path, strnlen(address.sun_path, length));
  return path.starts_with('@') ? "./" + path : path;
}

std::string Address::path() const {
  if (family() != AF_UNIX) return "";
  auto name = unix_text();
  return name.starts_with('@') ? "" : name;
}

}  // namespace sockx
