// proxy: every client is joined to the target that it asks for, by SOCKS or HTTP CONNECT.
#include <algorithm>

#include "base/text.hpp"
#include "flow/task_group.hpp"
#include "flow/thread_limit.hpp"
#include "net/address/own_address.hpp"
#include "net/address/resolve.hpp"
#include "net/stream/layers.hpp"
#include "os/calls.hpp"
#include "serve/handler.hpp"
#include "serve/join.hpp"

namespace sockx {

namespace {

constexpr std::size_t most_lookups = 100;   // at once
constexpr std::size_t most_addresses = 16;  // of a name, which may be in the hands of anybody

std::string reply_in(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProxyClientError& refusal) {
    return refusal.reply();
  } catch (...) {
    return "";
  }
}

bool is_refusal(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProxyClientError&) {
    return true;
  } catch (...) {
    return false;
  }
}

std::string reason_of(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// The setting that would help, or nothing.
std::string mend_in(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProxyDenial& denial) {
    return denial.mend;
  } catch (...) {
    return "";
  }
}

/// A client does not learn the addresses of a name to which it is not connected.
std::string denial_of(const ProxyRequest& request) {
  return text("{}: the rules of this proxy deny it", request.shown());
}

class ProxyServing : public Handler {
 public:
  explicit ProxyServing(ProxyOptions options) : options_(std::move(options)) {}

  Task<> serve(Client& client) override {
    std::optional<ProxyRequest> request;
    auto reading = read(client, request);
    auto failure = co_await outcome_of(std::move(reading));
    if (failure && !is_refusal(failure)) std::rethrow_exception(failure);
    if (failure) {
      auto reply = reply_in(failure);
      co_await turn_away(client, std::move(reply), failure);
    }
    if (!request) co_return;
    std::optional<Connection> target;
    bool has_gone = false;
    const auto limit = options_.connect_timeout ? after(*options_.connect_timeout) : never;
    auto dialing = any(with_deadline(dial_for(client, *request, target, limit), limit, too_late(*request)),
                       wait_for_leaving(client, has_gone));
    failure = co_await outcome_of(std::move(dialing));
    const auto reason = failure ? reason_of(failure) : "";
    if (failure) client.mend = mend_in(failure);
    const auto kind = failure ? failure_of(failure) : ProxyFailure::other;
    options_.tell({client, *request, target ? &*target : nullptr, kind, reason});
    if (has_gone) std::rethrow_exception(failure);
    if (failure) {
      const auto told = kind == ProxyFailure::denied ? denial_of(*request) : reason;
      auto reply = refusal(*request, kind, told);
      co_await turn_away(client, std::move(reply), failure);
    }
    auto connection = std::move(*target);
    co_await carry(client, *request, std::move(connection));
  }

  void begin(EventLoop& loop) override { lookups_.emplace(loop, most_lookups); }

  bool has_files() const override { return options_.users != nullptr; }
  void reload() override { options_.users->reload(); }

  /// The connection, and two pipes where a stream is long.
  std::size_t descriptors() const override { return 5; }

 private:
  Duration time_for_request() const {
    return std::min<Duration>(time_for_layers, options_.idle_timeout.value_or(time_for_layers));
  }

  Task<> read(Client& client, std::optional<ProxyRequest>& request) {
    const auto deadline = after(time_for_request());
    request = co_await read_proxy_request(client.stream(), options_.users.get(), deadline);
    client.tally.last_byte = Clock::now();
  }

  static std::string too_late(const ProxyRequest& request) {
    return text("connect {}: timed out", request.shown());
  }

  /// The addresses that are judged are those that are dialed: there is no second look-up.
  Task<> dial_for(Client& client, const ProxyRequest& request, std::optional<Connection>& target,
                  Deadline limit) {
    auto dialing = options_.dialing;
    dialing.deadline = limit;
    const ResolveOptions how{AF_UNSPEC, dialing.stream.numeric, SOCK_STREAM, &*lookups_};
    dialing.addresses = co_await resolve(request.target, how, limit);
    const auto own_port = local_address(client.connection.fd()).port();  // whatever a PROXY header tells
    leave_permitted(dialing.addresses, request, own_port);
    Endpoint endpoint{request.target};
    target.emplace(co_await dial(std::move(endpoint), std::move(dialing)));
  }

  /// Throws ProxyDenial when none is left, with the reason for the first.
  void leave_permitted(std::vector<Address>& addresses, const ProxyRequest& request,
                       std::uint32_t own_port) const {
    std::vector<Address> permitted;
    ProxyRuleDenial first;
    for (const auto& found : addresses) {
      if (permitted.size() == most_addresses) break;
      const auto address = canonical(found);
      auto reason = options_.rules.reason_to_deny(request.target.host, address);
      if (!reason && address.port() == own_port && is_of_this_host(address))
        reason = ProxyRuleDenial{"it is this proxy itself"};
      if (!reason)
        permitted.push_back(address);
      else if (first.reason.empty())
        first = *reason;
    }
    if (permitted.empty()) {
      ProxyDenial denial(text("{}: {}", request.shown(), first.reason));
      if (!first.permission.empty()) denial.mend = "proxy-to " + first.permission;
      throw denial;
    }
    addresses = std::move(permitted);
  }

  /// Until a reset, or both halves have ended. A client that has only ended its own half waits for an answer.
  static Task<> wait_for_leaving(Client& client, bool& has_gone) {
    co_await client.stream().watch().hung_up();
    has_gone = true;
    throw Error(ECONNRESET,
                text("{} has disconnected while the proxy was connecting to its target", client.name()),
                Origin::peer);
  }

  Task<> carry(Client& client, const ProxyRequest& request, Connection connection) const {
    // What is small is not held back: it has come from somebody who decides that himself.
    send_without_delay(client.stream().facts());
    send_without_delay(connection.stream.facts());
    const auto reply = grant(request, connection.local());
    const auto target = open_connection(std::move(connection));
    co_await client.stream().write_all(std::as_bytes(std::span(reply)), after(time_for_request()));
    client.tally.last_byte = Clock::now();
    const JoinOptions plain;
    co_await join(client, *target, plain);
  }

  /// Answers, and lets the answer arrive. Throws the failure in any case.
  Task<> turn_away(Client& client, std::string reply, std::exception_ptr failure) const {
    auto answering = answer(client, std::move(reply));
    co_await outcome_of(std::move(answering));
    std::rethrow_exception(failure);
  }

  Task<> answer(Client& client, std::string reply) const {
    co_await client.stream().write_all(std::as_bytes(std::span(reply)), after(time_for_request()));
    co_await client.finish();
  }

  ProxyOptions options_;
  std::optional<ThreadLimit> lookups_;  // a client that leaves does not end the thread of its look-up
};

}  // namespace

std::unique_ptr<Handler> make_proxy(ProxyOptions options) {
  return std::make_unique<ProxyServing>(std::move(options));
}

}  // namespace sockx
