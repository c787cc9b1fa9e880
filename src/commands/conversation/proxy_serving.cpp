#include "commands/conversation/proxy_serving.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/flags.hpp"
#include "commands/stream/dialing.hpp"
#include "net/address/numeric_address.hpp"

namespace sockx {

namespace {

/// Of a host as the user typed it.
bool is_loopback(const std::string& host) {
  const auto address = numeric_address(host);
  return address ? address->is_loopback() : host == "localhost";
}

[[noreturn]] void throw_exposed(const std::string& where) {
  throw BadInput(
      text("--handler proxy: on {} anybody could use it: restrict it by --proxy-auth-file or --allow, or "
           "listen on 127.0.0.1",
           where));
}

/// How a failure is called in events.
std::string_view word_of(ProxyFailure failure) {
  switch (failure) {
    case ProxyFailure::denied:
      return "denied";
    case ProxyFailure::no_network:
    case ProxyFailure::no_host:
      return "unreachable";
    case ProxyFailure::refused:
      return "refused";
    case ProxyFailure::timed_out:
      return "timed-out";
    case ProxyFailure::no_room:
      return "shortage";
    case ProxyFailure::other:
      break;
  }
  return "failed";
}

void tell(Context& context, const ProxyEvent& event) {
  const auto& [client, request, target, failure, reason] = event;
  const auto shown = request.shown();
  const auto user = escaped(request.user);
  const auto address = target != nullptr ? target->peer.to_string() : "";
  context.log.info("connection {} from {} asks for {} by {}{}: {}", client.number, client.name(), shown,
                   name_of(request.protocol), user.empty() ? "" : " as " + user,
                   target != nullptr ? "connected to " + address : std::string(reason));
  if (!context.report.has_events()) return;
  std::vector<Field> fields{{"number", client.number},
                            {"peer", client.name()},
                            {"protocol", std::string(name_of(request.protocol))},
                            {"target", shown}};
  if (!user.empty()) fields.push_back({"user", user});
  if (target != nullptr) fields.push_back({"address", address});
  fields.push_back({"result", std::string(target != nullptr ? "connected" : word_of(failure))});
  if (target == nullptr) fields.push_back({"reason", std::string(reason)});
  context.report.event("proxy", fields);
}

}  // namespace

void add_proxy_serving_flags(Flags& flags, ProxyServingOptions& options) {
  const HelpSection section(flags, "Proxy server");
  const auto add_rules = [&flags](const std::string& name, std::vector<ProxyRule>& rules,
                                  const std::string& help) {
    const auto read = [&rules](const std::string& list) {
      for (auto& rule : parse_proxy_rules(list)) rules.push_back(std::move(rule));
    };
    return flags.add_value(name, "RULE[,RULE...]", read, help, ValueKind::host).repeatable();
  };
  add_rules("--proxy-to", options.permitted,
            "connect clients to these targets only (repeatable): CIDR, NAME, :PORT, CIDR:PORT, NAME:PORT "
            "(default: all but the addresses of this host and its link, like 127.0.0.1)")
      .noted_in(options.given);
  add_rules("--proxy-deny", options.denied, "never connect clients to these (repeatable)")
      .noted_in(options.given);
}

void restrict_to_loopback(const ProxyServingOptions& options, const std::vector<std::string>& words,
                          const StreamOptions& stream, std::optional<Endpoint>& endpoint) {
  if (!endpoint || endpoint->is_adopted()) return;  // check_exposure() knows where that is
  if (const auto* const address = std::get_if<Address>(&endpoint->where))
    return check_exposure(options, *address);
  auto& where = std::get<HostPort>(endpoint->where);
  const bool is_port_alone = words.size() == 1 && words.front().find(':') == std::string::npos;
  if (stream.source && stream.source->address) return check_exposure(options, *stream.source->address);
  if (is_port_alone && where.host.empty()) where.host = stream.family == AF_INET6 ? "::1" : "127.0.0.1";
  if (!options.is_guarded && !is_loopback(where.host))
    throw_exposed(where.host.empty() ? "every address" : text("'{}'", where.host));
}

void check_exposure(const ProxyServingOptions& options, const Address& address) {
  if (options.is_guarded || address.family() == AF_UNIX || address.is_loopback()) return;
  throw_exposed(address.to_string());
}

std::unique_ptr<Handler> proxy_of(Context& context, const ProxyServingOptions& options, bool numeric,
                                  const TimeLimits& limits) {
  ProxyOptions rules;
  rules.rules = ProxyRules(options.permitted, options.denied);
  try {
    if (!options.auth_file.empty()) rules.users = std::make_shared<ProxyUsers>(options.auth_file);
  } catch (const BadInput& error) {
    throw BadInput("proxy-auth-file", error.what());
  }
  StreamOptions dialed;
  dialed.numeric = numeric;
  rules.dialing = dial_options(context, dialed);
  rules.connect_timeout = limits.connect;
  rules.idle_timeout = limits.idle;
  rules.tell = [&context](const ProxyEvent& event) { tell(context, event); };
  return make_proxy(std::move(rules));
}

}  // namespace sockx
