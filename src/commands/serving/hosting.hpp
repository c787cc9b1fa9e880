// A server as a command runs it: where it listens, who may connect, how many, and how it stops.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/progress.hpp"
#include "cli/time_limits.hpp"
#include "commands/serving/access.hpp"
#include "commands/serving/activation.hpp"
#include "commands/stream/listening.hpp"
#include "serve/server.hpp"

namespace sockx {

class Flags;

struct HostingOptions {
  bool keep_open = false;
  std::optional<std::uint64_t> most;  // connections at once
  bool rejects = false;               // one too many does not wait
  std::optional<Duration> drain_timeout;
  std::optional<unsigned> workers;  // processes that share the port
  AccessSources access;
  ActivationOptions activation;

  /// Whether any option but access rules was given.
  bool are_given() const {
    return keep_open || most || rejects || drain_timeout || workers || activation.are_given();
  }
};

/// --max-conns, --reject, --drain-timeout.
void add_admission_flags(Flags& flags, HostingOptions& options);
/// Throws BadInput for options that need keep_open.
void check(const HostingOptions& options);

/// A server, for host().
struct Hosting {
  Context& context;
  const std::optional<Endpoint>& endpoint;  // none with activation
  const ListeningOptions& listening;
  const HostingOptions& options;
  std::optional<Duration> accept_timeout = {}, whole_run = {};
  Deadline accept_deadline = never;  // in addition to accept_timeout
  /// Called in each worker, when it has its loop.
  std::function<std::unique_ptr<Service>()> make_service;
  bool is_one = false;          // only one connection is served, and its failure is thrown
  bool must_serve = false;      // refusing the only possible connection is a failure
  std::size_t descriptors = 0;  // that the service opens for each connection; this limits how many
  std::size_t reserved = 0;     // that are kept free for the next connection
  Duration grace = std::chrono::seconds(5);  // ServerOptions::grace
  ProgressBoard* board = nullptr;            // runs the loop, where there is one
  std::function<void(const Address&)> tell_listening = [](const Address&) {};
  std::function<void()> reload = {};  // reads files of the service again, at SIGHUP; does not throw
  /// Throws BadInput for an address where this must not listen, or a connection come to.
  std::function<void(const Address&)> check_address = [](const Address&) {};
};

/// Runs the server until it is stopped. Throws BadInput for sockets that do not fit the options, what the
/// service throws, and Interrupted when a signal has ended it.
void host(const Hosting& hosting);

/// For HandlerServiceOptions: whether a signal has ended the server, and not the deadline of its parent.
std::function<bool()> ends_by_signal(Context& context);

}  // namespace sockx
