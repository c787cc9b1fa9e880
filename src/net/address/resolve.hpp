// resolve(): names to addresses without blocking the loop.
#pragma once

#include <string>
#include <vector>

#include "flow/event_loop.hpp"
#include "flow/task.hpp"
#include "flow/thread_limit.hpp"
#include "net/address/address.hpp"
#include "net/address/endpoint.hpp"
#include "net/address/lookups.hpp"

namespace sockx {

struct ResolveOptions {
  int family = AF_UNSPEC;
  bool numeric = false;  // no look-up of any kind: the host must be an address
  int type = SOCK_STREAM;
  ThreadLimit* threads = nullptr;  // how many may look up at once; null: any number
};

/// The addresses of a host in the order in which a program should try them (RFC 6724), at least one. An empty
/// host is every address of this machine: [::] and then 0.0.0.0. getaddrinfo(3) blocks, so it runs on a
/// thread of its own; an answer that comes after the deadline is dropped. Throws ResolveError and TimedOut.
Task<std::vector<Address>> resolve(HostPort where, ResolveOptions options, Deadline deadline);

}  // namespace sockx
