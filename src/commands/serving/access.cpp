#include "commands/serving/access.hpp"

#include <algorithm>
#include <csignal>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/flags.hpp"
#include "flow/on_thread.hpp"
#include "flow/task_group.hpp"
#include "net/proxy/proxy_header_layers.hpp"

namespace sockx {

namespace {

struct Reading {
  AccessList list = {};
  std::exception_ptr failure = {};
};

void add_rules(Flags& flags, const std::string& name, std::vector<WrittenRule>& rules,
               const std::string& help) {
  const auto read = [&rules](const std::string& list) {
    for (auto& rule : parse_access_words(list)) rules.push_back(std::move(rule));
  };
  flags.add_value(name, "RULE[,RULE...]", read, help, ValueKind::host).repeatable();
}

/// Of one connection's peer, or of the client that a PROXY header has told.
template <class Ask>
std::optional<std::string> reason_of(const Connection& connection, Ask ask) {
  try {
    return ask(Peer::of(connection));
  } catch (const Error& error) {
    return error.what();
  }
}

/// A log line and an event.
void tell(Context& context, const Connection& connection, const Address& proxy) {
  if (!connection.told)
    return context.log.debug("{} is a connection of the proxy itself, or of an unknown client",
                             proxy.to_string());
  const auto client = connection.peer.to_string(), server = connection.local().to_string();
  context.log.info("{} forwards {}, which has connected to {}", proxy.to_string(), client, server);
  if (context.report.has_events())
    context.report.event("proxied", {{"peer", client}, {"local", server}, {"proxy", proxy.to_string()}});
}

}  // namespace

void add_access_flags(Flags& flags, AccessSources& sources, AccessTo what) {
  const bool has_connections = what == AccessTo::connections;
  const HelpSection section(flags, has_connections ? "Who may connect" : "Who may send");
  add_rules(flags, "--allow", sources.allow,
            "serve only peers of these networks, hosts and users (repeatable): CIDR, HOST, uid:USER");
  add_rules(flags, "--deny", sources.deny, "do not serve these, even if --allow names them (repeatable)");
  if (has_connections)
    add_rules(flags, "--accept-proxy", sources.proxies,
              "accept connections only from these proxies, and take each client's address from their PROXY "
              "header (HAProxy) (repeatable)");
  flags.add_file("--allow-file", sources.allow_file,
                 "rules as for --allow, one per line; read again at SIGHUP");
  flags.add_file("--deny-file", sources.deny_file, "rules as for --deny, one per line; read again at SIGHUP");
}

void check(const AccessSources& sources, const std::optional<Endpoint>& endpoint,
           const StreamOptions& stream) {
  if (sources.proxies.empty()) return;
  if (stream.type == SOCK_SEQPACKET)
    throw BadInput("--accept-proxy is for a stream of bytes: leave --type seqpacket out");
  const auto* const address = endpoint ? std::get_if<Address>(&endpoint->where) : nullptr;
  if (address == nullptr || is_internet(address->family())) return;
  const auto names_user = [](const WrittenRule& written) {
    return std::holds_alternative<User>(written.rule);
  };
  if (address->family() != AF_UNIX)
    throw BadInput(
        text("--accept-proxy: '{}': there are no rules for its peers: use a port of TCP or a unix socket",
             endpoint->to_string()));
  if (std::ranges::none_of(sources.proxies, names_user))
    throw BadInput(text("--accept-proxy {}: the proxies at '{}' are known by their user: say uid:USER",
                        sources.proxies.front().word, endpoint->to_string()));
}

AccessControl::AccessControl(Context& context, const AccessSources& sources, std::optional<AccessList> known)
    : context_(context), sources_(sources), list_(std::move(known)), asked_(context.loop()) {}

Task<> AccessControl::load() {
  if (!sources_.are_given()) co_return;
  std::function<Reading()> work = [sources = sources_]() -> Reading {
    try {
      return {AccessList(sources)};
    } catch (...) {
      return {{}, std::current_exception()};
    }
  };
  auto reading = co_await on_thread<Reading>(std::move(work));
  if (!reading->failure) {
    const bool is_reload = list_.has_value();
    list_ = std::move(reading->list);
    if (is_reload) context_.log.info("the rules of who may connect have been read again");
    if (is_reload) context_.report.event("reloaded", {});
  } else if (!list_) {
    std::rethrow_exception(reading->failure);
  } else {
    const auto failure = describe_failure(reading->failure);
    context_.log.warn("{}: the old rules stay in force", failure.message);
  }
}

std::optional<std::string> AccessControl::reason_to_refuse(const Connection& connection) const {
  if (!list_) return {};
  return reason_of(connection, [this](const Peer& peer) {
    return list_->expects_proxies() ? list_->reason_to_refuse_proxy(peer) : list_->reason_to_refuse(peer);
  });
}

std::optional<std::string> AccessControl::reason_to_refuse(const Peer& peer) const {
  return list_ ? list_->reason_to_refuse(peer) : std::nullopt;
}

Task<std::optional<Refusal>> AccessControl::admit(Connection& connection, Deadline deadline) const {
  const auto header = read_proxy_header([this](const Connection& its_connection, const Address& proxy) {
    tell(context_, its_connection, proxy);
  });
  auto reading = header(connection, deadline);
  const auto failure = co_await outcome_of(std::move(reading));
  if (failure) co_return Refusal{describe_failure(failure).message, false};
  const auto reason =
      reason_of(connection, [this](const Peer& peer) { return list_->reason_to_refuse(peer); });
  if (reason) co_return Refusal{*reason, true};
  co_return std::nullopt;
}

bool AccessControl::handle_signal(int signal) {
  if (signal != SIGHUP || !sources_.have_files()) return false;
  is_asked_ = true;
  asked_.notify();
  return true;
}

Task<> AccessControl::attend() {
  for (;;) {
    while (!is_asked_) {
      co_await asked_.wait();
    }
    is_asked_ = false;
    co_await load();
  }
}

}  // namespace sockx
