// ProxyRequest: what a client asks of a proxy, whatever protocol it speaks, and how it is told the outcome.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "flow/stream.hpp"
#include "net/address/address.hpp"
#include "net/address/endpoint.hpp"

namespace sockx {

class ProxyUsers;

enum class ProxyProtocol { socks4, socks4a, socks5, http };
/// "SOCKS4a"
std::string_view name_of(ProxyProtocol protocol);

struct ProxyRequest {
  ProxyProtocol protocol;
  HostPort target;   // a name or an address, as the client has said it
  std::string user;  // who it has shown to be, or empty

  /// "example.com:443", "[2001:db8::1]:80", safe to be shown.
  std::string shown() const;
};

/// Why a client does not get what it asks for.
enum class ProxyFailure {
  denied,
  no_network,  // there is no way to the network of the target
  no_host,     // there is no way to the target, or its name is not known
  refused,     // by the target
  timed_out,   // the target does not answer
  no_room,     // descriptors or memory have run out
  other,
};

/// What failed while the target was looked up and dialed.
ProxyFailure failure_of(std::exception_ptr thrown);

/// The rules deny a target.
class ProxyDenial : public ProxyError {
 public:
  using ProxyError::ProxyError;
};

/// A client that is not understood or not admitted. It is answered by `reply`, in the words of its protocol.
class ProxyClientError : public ProxyError {
 public:
  ProxyClientError(const std::string& reason, std::string reply)
      : ProxyError(reason), reply_(std::move(reply)) {}
  const std::string& reply() const { return reply_; }

 private:
  std::string reply_;
};

/// Reads what a client says first, and not a byte beyond its request. The first byte tells the protocol. The
/// client must be one of `users`, if that is not null. Nothing when it ends before it says anything. Throws
/// ProxyClientError, and TimedOut and Error as the verbs of Stream do.
Task<std::optional<ProxyRequest>> read_proxy_request(Stream& stream, const ProxyUsers* users,
                                                     Deadline deadline);
/// The answer to a client whose target is connected from the address `bound`.
std::string grant(const ProxyRequest& request, const Address& bound);
/// The answer to a client that is not connected; `reason` is for people.
std::string refusal(const ProxyRequest& request, ProxyFailure failure, std::string_view reason);

/// Whether a host may be looked up: 1 to 255 letters, digits, and what else names and addresses have.
bool is_host_to_look_up(std::string_view host);

}  // namespace sockx
