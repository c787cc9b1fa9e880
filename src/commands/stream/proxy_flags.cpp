#include "commands/stream/proxy_flags.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/named_numbers.hpp"
#include "base/text.hpp"
#include "cli/flags.hpp"
#include "net/proxy/proxy_environment.hpp"
#include "net/tls/start_tls.hpp"

namespace sockx {

namespace {

/// `reason` begins with the name of what has them.
void check_for(const std::vector<Proxy>& proxies, const std::string& source) {
  if (proxies.size() > 1)
    throw BadInput(
        text("{}: there are {} proxies, and it is not clear which of them it is for: write the credentials "
             "into their URLs",
             source, proxies.size()));
  if (proxies.front().is_socks4())
    throw BadInput(text("{}: SOCKS4 has no passwords: say --proxy {}://USER@{}", source,
                        name_of(proxies.front().kind), proxies.front().address()));
}

Credentials only_credentials_in(const std::string& path) {
  try {
    auto all = read_credentials_file(path);
    if (all.size() == 1) return std::move(all.front());
    throw BadInput(text("'{}' has {} lines USER:PASSWORD, and a client needs exactly one", path, all.size()));
  } catch (const BadInput& error) {
    throw BadInput(text("--proxy-auth-file: {}", error.what()));
  }
}

/// Those of the URL count first, then --proxy-auth, then the file, then the variable.
void give_credentials(ProxyFlags& proxy) {
  auto& proxies = proxy.proxies;
  const bool have_all =
      std::ranges::all_of(proxies, [](const Proxy& one) { return one.credentials.has_value(); });
  if (have_all) return;
  if (proxy.credentials) {
    check_for(proxies, "--proxy-auth");
    proxies.front().credentials = proxy.credentials;
  } else if (!proxy.credentials_file.empty()) {
    check_for(proxies, "--proxy-auth-file");
    proxies.front().credentials = only_credentials_in(proxy.credentials_file);
  } else if (!proxy.credentials_in_environment.empty() && !proxies.front().is_socks4()) {
    check_for(proxies, credentials_variable);
    try {
      proxies.front().credentials = parse_credentials(proxy.credentials_in_environment);
    } catch (const BadInput& error) {
      throw BadInput(text("{}: {}; it is USER:PASSWORD", credentials_variable, error.what()));
    }
  }
}

void take_from_environment(ProxyFlags& proxy, const HostPort& target,
                           const std::vector<std::uint16_t>& ports) {
  try {
    auto found = proxy_from_environment(target);
    for (const auto port : ports) {
      const auto of_port = proxy_from_environment({target.host, port});
      if (of_port.proxy.has_value() != found.proxy.has_value())
        throw BadInput(text("{}, but {}: scan these ports apart", found.reason, of_port.reason));
    }
    proxy.reason = std::move(found.reason);
    if (found.proxy) proxy.proxies.push_back(std::move(*found.proxy));
  } catch (const BadInput& error) {
    throw BadInput(text("--proxy env: {}", error.what()));
  }
  forget_proxy_credentials();
}

bool is_https(const Proxy& proxy) { return proxy.kind == Proxy::Kind::https; }

/// A stream has one TLS at a time.
void take_tls(ProxyFlags& proxy, TlsFlags& tls, const StreamOptions& stream) {
  const auto first = std::ranges::find_if(proxy.proxies, is_https);
  if (first == proxy.proxies.end()) return;
  if (tls.is_on)
    throw BadInput(
        text("--tls: the connection to the proxy {} is TLS already, and sockx has no TLS inside of "
             "TLS for now: take a proxy of another kind, or leave --tls out",
             first->to_string()));
  if (std::find_if(first + 1, proxy.proxies.end(), is_https) != proxy.proxies.end())
    throw BadInput(
        text("--proxy: sockx has no TLS inside of TLS for now: one proxy of a chain can be https"));
  proxy.tls = std::exchange(tls, {});
  proxy.tls.is_on = true;
  complete(proxy.tls, TlsOptions::Role::client, first->endpoint(), stream);
}

std::span<char> credentials_of_url(char* word) {
  const auto [begin, size] = credentials_in(word);
  return {word + begin, size};
}

enum class ValueOf { other, url, credentials };

/// What the value of an option is, also where --proxy or --proxy-auth was meant and another word was typed.
ValueOf kind_of_value(std::string_view option) {
  if (!option.starts_with("--") || option == "--proxy-auth-file") return ValueOf::other;
  const auto name = upper_case(option);
  const auto has = [&name](std::string_view part) { return name.find(part) != name.npos; };
  if (has("AUTH") || (has("PROX") && (has("AUT") || has("USER") || has("PASS") || has("CRED"))))
    return ValueOf::credentials;
  constexpr std::string_view longest = "--proxys";
  return name.starts_with("--PROX") && name.size() <= longest.size() ? ValueOf::url : ValueOf::other;
}

/// Whether a word begins as a URL does, wherever it stands.
bool is_url(std::string_view word) {
  const auto colon = word.find("://");
  return colon != word.npos && std::ranges::all_of(word.substr(0, colon), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
         });
}

/// Where credentials are in the words of a command line.
std::vector<std::span<char>> credentials_among(const std::vector<char*>& words) {
  std::vector<std::span<char>> found;
  const auto note = [&](ValueOf kind, char* value) {
    if (kind == ValueOf::credentials)
      found.emplace_back(value, std::strlen(value));
    else if (kind == ValueOf::url || is_url(value))
      found.push_back(credentials_of_url(value));
  };
  auto before = ValueOf::other;
  for (char* const word : words) {
    const std::string_view whole = word;
    if (whole == "--") break;  // what follows are the words of another program
    note(before, word);
    const auto equals = whole.find('=');
    const bool is_option = whole.starts_with("--") && before != ValueOf::credentials;
    before = ValueOf::other;
    if (!is_option) continue;
    if (equals == whole.npos)
      before = kind_of_value(whole);
    else
      note(kind_of_value(whole.substr(0, equals)), word + equals + 1);
  }
  return found;
}

}  // namespace

bool ProxyFlags::have_https() const { return std::ranges::any_of(proxies, is_https); }

Flag add_proxy_flags(Flags& flags, ProxyFlags& proxy, bool may_serve, const std::string& note) {
  const HelpSection section(flags, "Proxies");
  if (const char* const set = std::getenv(credentials_variable)) proxy.credentials_in_environment = set;
  const auto take = [&proxy](const std::string& word) {
    if (word == "env")
      proxy.from_environment = true;
    else
      proxy.proxies.push_back(Proxy::parse(word));
  };
  const auto on =
      flags
          .add_value(
              "--proxy", "URL|env", take,
              "connect through this proxy: socks5h://, socks5://, socks4a://, socks4:// (port 1080), http:// "
              "(3128) or https:// (443), [USER:PASSWORD@]HOST[:PORT] (repeat for a chain)" +
                  note,
              ValueKind::choice)
          .choices({"env", "socks5h://", "socks5://", "socks4a://", "socks4://", "http://", "https://"})
          .repeatable();
  const auto take_credentials = [&proxy](const std::string& word) {
    proxy.credentials = parse_credentials(word);
  };
  flags
      .add_value("--proxy-auth", "USER:PASSWORD", take_credentials, "the credentials for the proxy",
                 ValueKind::text)
      .needs(on);
  const std::string of_proxy = "the same, from a line USER:PASSWORD in FILE";
  const std::string of_server =
      "; with --handler proxy: serve only the users listed in FILE, which is read again at SIGHUP";
  const auto file =
      flags.add_file("--proxy-auth-file", proxy.credentials_file, of_proxy + (may_serve ? of_server : ""));
  if (!may_serve) file.needs(on);
  return on;
}

void complete(ProxyFlags& proxy, TlsFlags& tls, const Endpoint& target, const StreamOptions& stream,
              const std::vector<std::uint16_t>& ports) {
  if (!proxy.are_given()) return;
  if (stream.type == SOCK_SEQPACKET)
    throw BadInput("--proxy: a proxy carries a stream of bytes: leave --type seqpacket out");
  if (proxy.from_environment && !proxy.proxies.empty())
    throw BadInput("--proxy env: it stands alone: leave the other --proxy out");
  const auto where = target_behind({}, target);
  if (proxy.from_environment) take_from_environment(proxy, where, ports);
  if (proxy.proxies.empty()) return;
  give_credentials(proxy);
  ProxyRoute route;
  for (const auto& one : proxy.proxies) route.hops.push_back({one});
  target_behind(route, target);
  take_tls(proxy, tls, stream);
}

ProxyRoute make_route(Context& context, const ProxyFlags& proxy, std::optional<Duration> limit) {
  ProxyRoute route;
  route.limit = limit;
  if (!proxy.reason.empty()) context.log.debug("{}", proxy.reason);
  for (const auto& one : proxy.proxies) {
    ProxyHop hop{one};
    if (is_https(one)) {
      const auto tls = make_tls(context, proxy.tls);
      const auto name = "proxy " + one.address();
      hop.start_tls = start_tls(tls, name, [&context, tls, name](const Connection& connection) {
        tell_tls(context, tls->options(), connection, name);
      });
    }
    route.hops.push_back(std::move(hop));
  }
  return route;
}

void blank_credentials(const std::vector<char*>& words) {
  for (const auto found : credentials_among(words)) std::ranges::fill(found, '*');
}

std::string without_credentials_of(std::vector<std::string> words, std::string message) {
  std::vector<char*> pointers;
  pointers.reserve(words.size());
  for (auto& word : words) pointers.push_back(word.data());
  const auto is_within_word = [&message](std::size_t index) {
    return index < message.size() && std::isalnum(static_cast<unsigned char>(message[index])) != 0;
  };
  for (const auto found : credentials_among(pointers)) {
    const std::string secret(found.begin(), found.end());
    for (auto at = message.find(secret); !secret.empty() && at != message.npos;
         at = message.find(secret, at + 1))
      if (!is_within_word(at - 1) && !is_within_word(at + secret.size()))
        message.replace(at, secret.size(), "*");
  }
  return message;
}

std::vector<Field> peer_fields(const Connection& connection) {
  std::vector<Field> fields{{"peer", peer_name(connection)}};
  if (connection.proxy) fields.push_back({"proxy", joined(connection.proxy->urls)});
  return fields;
}

}  // namespace sockx
