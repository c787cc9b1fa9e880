// resolve(): names to addresses without blocking the loop.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "flow/event_loop.hpp"
#include "flow/task.hpp"
#include "net/address.hpp"
#include "net/endpoint.hpp"

namespace sockx {

/// getaddrinfo(3) said no: "getaddrinfo nosuch.invalid: EAI_NONAME: Name or service not known".
class ResolveError : public std::runtime_error {
 public:
  ResolveError(int code, const std::string& host);
  int code() const { return code_; }  // an EAI_ number

 private:
  int code_;
};

struct ResolveOptions {
  int family = AF_UNSPEC;
  bool numeric = false;  // no look-up of any kind: the host must be an address
};

/// The addresses of a host in the order in which a program should try them (RFC 6724), at least one. An empty
/// host is every address of this machine: [::] and then 0.0.0.0. getaddrinfo(3) blocks, so it runs on a
/// thread of its own; an answer that comes after the deadline is dropped. Throws ResolveError and TimedOut.
Task<std::vector<Address>> resolve(HostPort where, ResolveOptions options, Deadline deadline);

}  // namespace sockx
