// Two ends of a TLS connection in one process.
#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "certificates.hpp"
#include "cli/exit_code.hpp"
#include "connections.hpp"
#include "descriptors.hpp"
#include "flow/event_loop.hpp"
#include "flow/task_group.hpp"
#include "net/tls/start_tls.hpp"

namespace test {

inline std::shared_ptr<sockx::TlsContext> context(sockx::TlsOptions options) {
  return std::make_shared<sockx::TlsContext>(std::move(options));
}
inline sockx::TlsOptions server_options(CertificateFiles files = {}) {
  sockx::TlsOptions options;
  options.role = sockx::TlsOptions::Role::server;
  options.certificate = std::move(files.certificate);
  options.key = std::move(files.key);
  return options;
}
inline sockx::TlsOptions client_options(std::string ca, std::string name = "localhost") {
  sockx::TlsOptions options;
  options.ca = std::move(ca);
  options.name = std::move(name);
  return options;
}

/// What the user would see of a failure; the status is done without one.
inline sockx::Failure seen(std::exception_ptr failure) {
  return failure ? sockx::describe_failure(failure) : sockx::Failure{sockx::ExitCode::done, ""};
}

/// A client and a server, each with a stream.
struct TlsEnds {
  explicit TlsEnds(SocketEnds sockets = tcp_pair())
      : client(connection(loop, std::move(sockets.ours), "the server")),
        server(connection(loop, std::move(sockets.theirs), "the client")) {
    signal(SIGPIPE, SIG_IGN);
  }

  /// Runs the handshake at both ends.
  void shake(std::shared_ptr<sockx::TlsContext> client_context,
             std::shared_ptr<sockx::TlsContext> server_context) {
    using namespace std::chrono_literals;
    const auto deadline = sockx::after(30s);
    loop.run(
        all(note(sockx::start_tls(std::move(client_context), "server:443"), client, deadline, client_failure),
            note(sockx::start_tls(std::move(server_context)), server, deadline, server_failure)));
  }

  static sockx::Task<> note(sockx::Layer layer, sockx::Connection& at, sockx::Deadline deadline,
                            sockx::Failure& failure) {
    auto task = layer(at, deadline);
    const auto thrown = co_await outcome_of(std::move(task));
    failure = seen(thrown);
    if (thrown) at.stream.close();
  }

  sockx::EventLoop loop;
  sockx::Connection client, server;
  sockx::Failure client_failure, server_failure;
};

}  // namespace test
