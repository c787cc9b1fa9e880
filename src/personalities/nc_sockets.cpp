#include "personalities/nc_sockets.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/on_thread.hpp"
#include "net/address/lookups.hpp"
#include "net/address/resolve.hpp"
#include "net/proxy/proxy_refusal.hpp"
#include "net/stream/dial.hpp"
#include "personalities/nc_password.hpp"

namespace sockx {

namespace {

int type_of(const NcOptions& options) { return options.is_udp ? SOCK_DGRAM : SOCK_STREAM; }

/// getaddrinfo(3); on a thread where it may ask a name server. `asked` begins the message of a failure.
Task<std::vector<Address>> look_up(AddressQuery query, bool numeric, std::string asked) {
  query.protocol = query.type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
  AddressQuery as_address = query;
  if (query.host) as_address.flags |= AI_NUMERICHOST;
  auto answer = get_address_info(as_address);
  if (query.host && !numeric && answer.status.code == EAI_NONAME) {
    std::function<AddressAnswer()> work = [query = std::move(query)] { return get_address_info(query); };
    auto found = co_await on_thread(std::move(work));
    if (found) answer = std::move(*found);
  }
  if (!answer.status) throw NcFailure(text("{}: {}", asked, answer.status.explanation()));
  std::vector<Address> addresses;
  for (const auto& tuple : answer.tuples) addresses.push_back(tuple.address);
  co_return addresses;
}

/// An option of nc for sockets of the family, and how its message begins.
struct NcSetting {
  std::string setting;  // NAME=VALUE; empty: not for this family
  const char* words;
};

std::vector<NcSetting> settings_of(const NcOptions& o, int family) {
  std::vector<NcSetting> settings;
  const auto add = [&settings](const char* name, const std::optional<int>& value, const char* words) {
    if (value) settings.push_back({text("{}={}", name, *value), words});
  };
  const auto add_of_family = [&](const char* v4, const char* words4, const char* v6, const char* words6,
                                 const std::optional<int>& value) {
    if (family == AF_INET) add(v4, value, words4);
    if (family == AF_INET6) add(v6, value, words6);
  };
  if (o.debugs) settings.push_back({"SO_DEBUG=on", ""});
  add_of_family("IP_TOS", "set IP ToS", "IPV6_TCLASS", "set IPv6 traffic class", o.tos);
  add("SO_RCVBUF", o.receive_buffer, "set TCP receive buffer size");
  add("SO_SNDBUF", o.send_buffer, "set TCP send buffer size");
  add_of_family("IP_TTL", "set IP TTL", "IPV6_UNICAST_HOPS", "set IPv6 unicast hops", o.ttl);
  add_of_family("IP_MINTTL", "set IP min TTL", "IPV6_MINHOPCOUNT", "set IPv6 min hop count", o.least_ttl);
  return settings;
}

void apply_settings(const NcOptions& options, Socket& socket, int family) {
  for (const auto& [setting, words] : settings_of(options, family)) {
    try {
      apply(socket.fd(), OptionSetting::parse(setting));
    } catch (const Error& error) {
      throw NcFailure(words, error.number());
    }
  }
}

/// With -n, and for a host that is an address, the address is not said again.
std::string address_beside(const NcOptions& options, const std::string& host, const std::string& address) {
  return options.numeric || address.empty() || host == address ? "" : text(" ({})", address);
}

Deadline deadline_of(const NcOptions& options) {
  return options.timeout.value_or(0) > 0 ? after(std::chrono::seconds(*options.timeout)) : never;
}

DialOptions dialing_to(const NcOptions& options, const Address& address,
                       const std::optional<Address>& source) {
  DialOptions dialing;
  dialing.stream = nc_stream_options(options, address.family());
  if (source)
    dialing.stream.source = Source{source->to_string(), *source, static_cast<std::uint16_t>(source->port())};
  dialing.deadline = deadline_of(options);
  return dialing;
}

/// One address. Nothing if it does not answer, which is noted in `failed`.
Task<std::optional<Connection>> connect_to(NcRun& run, Address address, std::string host,
                                           std::vector<std::string>& failed) {
  const auto source = co_await nc_source(run, address.family());
  auto dialing = dialing_to(run.options, address, source);
  int refusal = 0;
  Endpoint endpoint{address};
  try {
    auto connection = co_await dial(std::move(endpoint), std::move(dialing));
    co_return std::move(connection);
  } catch (const TimedOut&) {
    failed.push_back(nc_connect_failure(run.options, host, address, EINPROGRESS, true));
  } catch (const Error& error) {
    if (error.origin() == Origin::local_address) throw NcFailure("bind failed", error.number());
    if (error.origin() != Origin::peer) throw;  // it says nothing about the port
    refusal = error.number();
  }
  if (refusal != 0) failed.push_back(nc_connect_failure(run.options, host, address, refusal, false));
  co_return std::nullopt;
}

/// The words of nc for the answer of a proxy.
std::string refusal_words(NcProxy::Kind kind, const ProxyRefusal& refusal) {
  constexpr std::array socks5{"General SOCKS server failure", "Connection not allowed by ruleset",
                              "Network unreachable",          "Host unreachable",
                              "Connection refused",           "TTL expired",
                              "Command not supported",        "Address type not supported"};
  constexpr std::array socks4{"Request rejected or failed",
                              "SOCKS server cannot connect to identd on the client",
                              "Client program and identd report different user-ids"};
  constexpr int first5 = 1, first4 = 91;
  const int code = refusal.code();
  const auto words = [code](const auto& all, int first) {
    const int at = code - first;
    return at >= 0 && at < static_cast<int>(all.size()) ? all[static_cast<std::size_t>(at)] : "Unknown error";
  };
  if (code == 0) return refusal.reply();
  switch (kind) {
    case NcProxy::Kind::socks5:
      if (code == ProxyRefusal::no_method) return "authentication method negotiation failed";
      return text("connection failed, SOCKSv5 error: {}", words(socks5, first5));
    case NcProxy::Kind::socks4:
      return text("connection failed, SOCKSv4 error: {}", words(socks4, first4));
    case NcProxy::Kind::connect:
      return text("Proxy error: \"{}\"", refusal.reply());
  }
  return refusal.reply();
}

Proxy::Kind kind_of(NcProxy::Kind kind) {
  switch (kind) {
    case NcProxy::Kind::socks4:
      return Proxy::Kind::socks4;
    case NcProxy::Kind::socks5:
      return Proxy::Kind::socks5h;
    case NcProxy::Kind::connect:
      break;
  }
  return Proxy::Kind::http;
}

/// So that closing it sends an end, and no reset.
void leave_nothing_unread(Stream& stream) {
  try {
    stream.discard_some();
  } catch (const Error&) {
    return;  // it is closed anyway
  }
}

/// What the proxy is asked for: with SOCKS4 an address.
Task<HostPort> target_for_proxy(NcRun& run, HostPort target) {
  if (run.options.proxy->kind != NcProxy::Kind::socks4) co_return target;
  auto port = text("{}", target.port);
  auto asked = text("getaddrinfo(\"{}\", \"{}\")", target.host, port);
  AddressQuery query{std::move(target.host), std::move(port), AF_INET, SOCK_STREAM};
  const auto addresses = co_await look_up(std::move(query), run.options.numeric, std::move(asked));
  co_return HostPort{addresses.front().host(), target.port};
}

/// Asks the proxy for the target. Returns the refusal that a password may change.
Task<std::optional<ProxyRefusal>> ask_proxy(NcRun& run, const ProxyRoute& route, std::uint16_t port,
                                            Connection& connection) {
  const HostPort target{*run.options.host, port};
  const auto deadline = deadline_of(run.options);
  constexpr int needs_credentials = 407;
  try {
    auto asked = target;
    auto given = co_await target_for_proxy(run, std::move(asked));
    check_target(route.first(), given);
    const HopTargets way{std::move(given)};
    auto wanted = target;
    const std::function<void(bool, const std::string&)> tell = [](bool, const std::string&) {};
    co_await go_through(route, way, std::move(wanted), connection, tell, deadline);
    co_return std::nullopt;
  } catch (const ProxyRefusal& refusal) {
    leave_nothing_unread(connection.stream);
    const bool may_ask = run.options.proxy->kind == NcProxy::Kind::connect && run.options.proxy_user;
    if (may_ask && refusal.code() == needs_credentials) co_return refusal;
    throw NcFailure(refusal_words(run.options.proxy->kind, refusal));
  }
}

/// Whether nothing is lost when it is removed. mktemp(1) makes empty files.
bool is_replaceable(const std::string& path) {
  struct stat found {};
  if (path.empty() || lstat(path.c_str(), &found) != 0) return false;
  if (S_ISREG(found.st_mode)) return found.st_size == 0;
  return S_ISSOCK(found.st_mode) || S_ISLNK(found.st_mode) || S_ISFIFO(found.st_mode);
}

}  // namespace

Task<std::vector<Address>> nc_host_addresses(NcRun& run, std::string host, std::string port, int type) {
  auto asked = text("getaddrinfo for host \"{}\" port {}", host, port);
  AddressQuery query{std::move(host), std::move(port), run.options.family, type};
  auto addresses = co_await look_up(std::move(query), run.options.numeric, std::move(asked));
  co_return addresses;
}

StreamOptions nc_stream_options(const NcOptions& options, int family) {
  StreamOptions stream;
  stream.numeric = options.numeric;
  const auto settings = settings_of(options, family);
  if (settings.empty()) return stream;
  auto probe = Socket::open(family, SOCK_STREAM, 0);  // to have the words of nc for what is refused
  apply_settings(options, probe, family);
  for (const auto& [setting, words] : settings) stream.settings.push_back(OptionSetting::parse(setting));
  return stream;
}

Task<std::optional<Address>> nc_source(NcRun& run, int family) {
  const auto& o = run.options;
  if (!o.source && !o.source_port) co_return std::nullopt;
  AddressQuery query{o.source, o.source_port, family, type_of(o), 0, AI_PASSIVE};
  std::string asked = "getaddrinfo";
  const auto addresses = co_await look_up(std::move(query), false, std::move(asked));
  co_return addresses.front();
}

std::string nc_connect_failure(const NcOptions& options, const std::string& host, const Address& address,
                               int error, bool has_timed_out) {
  return text("connect to {} port {} ({}) {}: {}", host, address.port(), options.protocol(),
              has_timed_out ? "timed out" : "failed", strerror(error));
}

Task<NcAttempt> nc_connect(NcRun& run, const std::vector<Address>& addresses, std::uint16_t port) {
  NcAttempt attempt;
  for (const auto& host : addresses) {
    const auto address = host.with_port(port);
    auto name = *run.options.host + address_beside(run.options, *run.options.host, address.host());
    auto connection = co_await connect_to(run, address, std::move(name), attempt.failed);
    if (!connection) continue;
    attempt.connection = std::move(connection);
    attempt.address = address.host();
    break;
  }
  co_return attempt;
}

Task<Socket> nc_connect_datagrams(NcRun& run, const std::vector<Address>& addresses, std::uint16_t port,
                                  std::string& address) {
  const auto& o = run.options;
  for (const auto& host : addresses) {
    const auto peer = host.with_port(port);
    auto socket = Socket::open(peer.family(), SOCK_DGRAM, 0);
    if (o.broadcasts) set_option(socket.fd(), "SO_BROADCAST", "on");
    const auto source = co_await nc_source(run, peer.family());
    try {
      if (source) socket.bind(*source);
    } catch (const Error& error) {
      throw NcFailure("bind failed", error.number());
    }
    apply_settings(o, socket, peer.family());
    address = peer.host();
    const int error = socket.connect(peer);
    if (error == 0) co_return std::move(socket);
    const auto name = *o.host + address_beside(o, *o.host, address);
    if (o.verbosity > 0) run.warn(nc_connect_failure(o, name, peer, error, false));
  }
  co_return Socket();
}

Task<NcAttempt> nc_connect_by_proxy(NcRun& run, const std::vector<Address>& addresses, std::uint16_t port) {
  const auto& wanted = *run.options.proxy;
  Proxy proxy{kind_of(wanted.kind), wanted.host, static_cast<std::uint16_t>(addresses.front().port()), {}};
  constexpr int most_passwords = 3;
  NcAttempt attempt;
  for (int asked = 0;; ++asked) {
    for (const auto& address : addresses) {
      std::string name = wanted.host;
      auto connection = co_await connect_to(run, address, std::move(name), attempt.failed);
      if (!connection) continue;
      attempt.connection = std::move(connection);
      break;
    }
    if (!attempt.connection) co_return attempt;
    ProxyRoute route{{{proxy}}, {}};
    auto refusal = co_await ask_proxy(run, route, port, *attempt.connection);
    if (!refusal) co_return attempt;
    if (asked > 0) run.say("Proxy authentication failed");
    if (asked == most_passwords) throw NcFailure("Too many authentication failures");
    attempt.connection.reset();
    std::string prompt = one_line(text("Proxy password for {}@{}: ", *run.options.proxy_user, wanted.host));
    auto password = co_await ask_password(run, std::move(prompt));
    if (!password) throw NcFailure("Unable to read proxy passphrase");
    proxy.credentials = Credentials{*run.options.proxy_user, std::move(*password)};
  }
}

Task<Socket> nc_bind(NcRun& run) {
  const auto& o = run.options;
  const int type = type_of(o);
  const int family = !o.host && o.family == AF_UNSPEC ? AF_INET : o.family;
  std::string asked = "getaddrinfo";
  AddressQuery query{o.host, o.port, family, type, 0, AI_PASSIVE};
  const auto addresses = co_await look_up(std::move(query), o.numeric, std::move(asked));
  int failed = 0;
  for (const auto& address : addresses) {
    try {
      auto socket = Socket::open(address.family(), type, 0);
      set_option(socket.fd(), "SO_REUSEADDR", "on");
      set_option(socket.fd(), "SO_REUSEPORT", "on");
      apply_settings(o, socket, address.family());
      if (type == SOCK_STREAM) prepare_listening(socket, address, {});
      socket.bind(address);
      constexpr int backlog = 1;
      if (type == SOCK_STREAM) socket.listen(backlog);
      co_return std::move(socket);
    } catch (const Error& error) {
      failed = error.number();
    }
  }
  throw NcFailure("", failed);
}

Socket nc_bind_unix(const std::string& name, int type) {
  Address address;
  if (name.empty()) throw NcFailure("", EINVAL);
  try {
    address = Address::unix_name(name);
  } catch (const BadInput&) {
    throw NcFailure("", ENAMETOOLONG);
  }
  try {
    auto socket = Socket::open(AF_UNIX, type, 0);
    if (const auto path = address.path(); is_replaceable(path)) unlink(path.c_str());
    socket.bind(address);
    return socket;
  } catch (const Error& error) {
    throw NcFailure("", error.number());
  }
}

}  // namespace sockx
