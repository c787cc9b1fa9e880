// proxy: every client is joined to the target that it asks for, by SOCKS or HTTP CONNECT.
#include <algorithm>

#include "base/text.hpp"
#include "flow/task_group.hpp"
#include "net/address/own_address.hpp"
#include "net/stream/layers.hpp"
#include "os/calls.hpp"
#include "serve/handler.hpp"
#include "serve/join.hpp"

namespace sockx {

namespace {

std::string reply_in(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProxyRefusal& refusal) {
    return refusal.reply();
  } catch (...) {
    return "";
  }
}

bool is_refusal(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProxyRefusal&) {
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

/// A client does not learn the addresses of a name to which it is not connected.
std::string denial_of(const ProxyRequest& request) {
  return text("{}: the rules of this proxy deny it", request.shown());
}

class Proxy : public Handler {
 public:
  explicit Proxy(ProxyOptions options) : options_(std::move(options)) {}

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
    auto dialing = any(dial_for(client, *request, target), wait_for_leaving(client, has_gone));
    failure = co_await outcome_of(std::move(dialing));
    const auto reason = failure ? reason_of(failure) : "";
    const auto kind = failure ? failure_of(failure) : ProxyFailure::other;
    options_.tell({client, *request, target ? &*target : nullptr, kind, reason});
    if (has_gone) std::rethrow_exception(failure);
    if (failure) {
      const auto told = kind == ProxyFailure::denied ? denial_of(*request) : reason;
      auto reply = refusal(*request, kind, told);
      co_await turn_away(client, std::move(reply), failure);
    }
    co_await carry(client, *request, *target);
  }

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

  /// The addresses that are judged are those that are dialed: there is no second look-up.
  Task<> dial_for(Client& client, const ProxyRequest& request, std::optional<Connection>& target) {
    auto dialing = options_.dialing;
    if (options_.connect_timeout) dialing.deadline = after(*options_.connect_timeout);
    dialing.choose = [this, &request, port = client.connection.local().port()](std::vector<Address>& found) {
      leave_permitted(found, request, port);
    };
    Endpoint endpoint{request.target};
    target.emplace(co_await dial(std::move(endpoint), std::move(dialing)));
  }

  /// Throws ProxyDenial when none is left, with the reason for the first.
  void leave_permitted(std::vector<Address>& addresses, const ProxyRequest& request,
                       std::uint32_t own_port) const {
    std::vector<Address> permitted;
    std::string first_reason;
    for (const auto& found : addresses) {
      const auto address = canonical(found);
      auto reason = options_.rules.reason_to_deny(request.target.host, address);
      if (!reason && address.port() == own_port && is_of_this_host(address))
        reason = "it is this proxy itself";
      if (!reason)
        permitted.push_back(address);
      else if (first_reason.empty())
        first_reason = *reason;
    }
    if (permitted.empty()) throw ProxyDenial(text("{}: {}", request.shown(), first_reason));
    addresses = std::move(permitted);
  }

  /// Until a reset, or both halves have ended. A client that has only ended its own half waits for an answer.
  static Task<> wait_for_leaving(Client& client, bool& has_gone) {
    co_await client.stream().watch().hung_up();
    has_gone = true;
    throw Error(ECONNRESET, text("{} has left while its target was dialed", client.name()), Origin::peer);
  }

  Task<> carry(Client& client, const ProxyRequest& request, Connection& target) const {
    CutUnlessComplete cut(target.fd());
    // What is small is not held back: it has come from somebody who decides that himself.
    send_without_delay(client.stream().facts());
    send_without_delay(target.stream.facts());
    const auto reply = grant(request, target.local());
    co_await client.stream().write_all(std::as_bytes(std::span(reply)), after(time_for_request()));
    client.tally.last_byte = Clock::now();
    co_await join(client, target, cut);
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
};

}  // namespace

std::unique_ptr<Handler> make_proxy(ProxyOptions options) {
  return std::make_unique<Proxy>(std::move(options));
}

}  // namespace sockx
