// The ends that are connections: ENDPOINT, tls:ENDPOINT, listen:ENDPOINT.
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "commands/ends/end_kind.hpp"
#include "commands/ends/foreign_end.hpp"
#include "commands/stream/dialing.hpp"
#include "commands/stream/tls_flags.hpp"

namespace sockx {

namespace {

/// Throws BadInput for a word that names another kind of end, here or in socat, or is not finished.
void refuse_no_endpoint(const std::string& word, std::string_view prefix, EndPlace place) {
  const bool listens = prefix.starts_with("listen:");
  const auto example = text("{}{}", prefix, listens ? "PORT" : "HOST:PORT");
  if (word.empty()) throw BadInput(text("'{}': the endpoint is missing: say {}", prefix, example));
  if (const auto foreign = ForeignEnd::read(word, place == EndPlace::first))
    throw BadInput(prefix.empty()
                       ? text("'{}': {}", word, foreign->advice())
                       : text("'{}': {} is followed by an endpoint: say {}", word, prefix, example));
  if (!prefix.empty() && prefix.starts_with("tls:") && word.starts_with("listen:"))
    throw BadInput(text("'{0}': to listen by TLS say listen:tls:{1}", word, word.substr(7)));
  if (!prefix.empty() && has_prefix_of_end(word))
    throw BadInput(text("'{}': {} is followed by an endpoint: say {}", word, prefix, example));
  if (prefix.empty() && (word.starts_with('/') || word.starts_with("./"))) {
    const auto is_device = word.starts_with("/dev/");
    throw BadInput(text("'{0}': say what it is: unix:{0} or file:{0}{1}", word,
                        is_device ? ", or " + ForeignEnd::serial(word).word : ""));
  }
  if (word.starts_with("exec "))
    throw BadInput(text("'{}': say exec, and the program after the ends: `-- {}`", word, word.substr(5)));
  if (word.find_first_of(":[/") != std::string::npos) return;
  const auto name = word.substr(0, word.find(','));
  if (is_all_digits(name)) {
    if (!listens)
      throw BadInput(text("'{0}': the host is missing: say {1}HOST:{0}, or listen:{0} to wait for a client",
                          word, prefix));
    return;
  }
  const auto form = form_of_end(name);
  if (!form.empty()) throw BadInput(text("'{}': it is not finished: say {}", word, form));
  if (!listens) throw BadInput(text("'{}': the port is missing: say {}{}:PORT", word, prefix, name));
}

/// A word in brackets that is no address is a host whose name would be taken for the kind of an end.
Endpoint parse_endpoint(const std::string& word, Endpoint::Role role) {
  const auto close = word.find("]:");
  const bool is_name =
      word.starts_with('[') && close != std::string::npos && close > 1 && word.find(':') > close;
  if (is_name) return Endpoint::parse({word.substr(1, close - 1), word.substr(close + 2)}, role);
  return Endpoint::parse({word}, role);
}

/// The endpoint behind the prefix of an end, without the options that follow it.
Endpoint take_endpoint(const std::string& rest, std::string_view prefix, EndPlace place, Flags& options) {
  refuse_no_endpoint(rest, prefix, place);
  const auto role = prefix.starts_with("listen:") ? Endpoint::Role::listening : Endpoint::Role::connecting;
  const auto word = take_end_options(rest, options);
  const bool is_path = word.starts_with("unix:") || word.starts_with("fd:unix:");
  if (!is_path) refuse_unknown_options(word, options);
  return parse_endpoint(word, role);
}

/// For the answers of all proxies: a network like Tor may need long for its first connection.
constexpr Duration time_for_proxies = std::chrono::seconds(60);

std::unique_ptr<RelayEnd> make_dialed(const DialedWay& way, const EndSetup& setup) {
  auto stream = setup.stream;
  dial_with_header(way.send_proxy, stream);
  dial_by_tls(setup.context, way.tls, way.to, stream, time_for_layers);
  auto route = make_route(setup.context, way.proxy, time_for_proxies);
  return make_dialed_end({.to = way.to,
                          .dialing = dial_options(setup.context, stream, std::move(route)),
                          .limit = setup.limits.connect,
                          .tells_client = way.send_proxy.has_value()});
}

/// Accepts one connection each time it is opened, and listens from prepare() until then.
class Listened final : public RelayEnd {
 public:
  Listened(Context& context, Endpoint at, ListeningOptions listening, std::optional<Duration> limit)
      : context_(context), at_(std::move(at)), listening_(std::move(listening)), limit_(limit) {}

  Task<> prepare() override {
    auto at = at_;
    auto listening = listening_;
    listener_.emplace(co_await open_listener(context_, std::move(at), std::move(listening)));
  }
  Task<std::unique_ptr<OpenEnd>> open(OpenedFor) override {
    auto connection = co_await accept(*listener_, deadline_in(limit_));
    listener_.reset();
    co_return open_connection(std::move(connection));
  }

 private:
  Context& context_;
  Endpoint at_;
  ListeningOptions listening_;
  std::optional<Duration> limit_;
  std::optional<Listener> listener_;
};

}  // namespace

ParsedEnd parse_dialed_end(const std::string& rest, EndPlace place) {
  Flags none;
  return {.dialed = DialedWay{take_endpoint(rest, "", place, none), {}}};
}

ParsedEnd parse_tls_end(const std::string& rest, EndPlace place) { return parse_tls_end(rest, place, {}); }

ParsedEnd parse_tls_end(const std::string& rest, EndPlace place, TlsFlags tls) {
  Flags options;
  add_tls_flags(options, tls, TlsSide::client, {});
  auto to = take_endpoint(rest, "tls:", place, options);
  tls.is_on = true;
  complete(tls, TlsOptions::Role::client, to, {});
  return {.dialed = DialedWay{std::move(to), std::move(tls)}};
}

ParsedEnd parse_listened_end(const std::string& rest, EndPlace place) {
  constexpr std::string_view prefix = "tls:";
  ListenedEnd listened;
  Flags options;
  listened.tls.is_on = rest.starts_with(prefix);
  if (listened.tls.is_on) add_tls_flags(options, listened.tls, TlsSide::server, {});
  add_socket_file_flags(options, listened.file);
  add_backlog_flag(options, listened.backlog);
  const auto word = listened.tls.is_on ? rest.substr(prefix.size()) : rest;
  listened.at = take_endpoint(word, listened.tls.is_on ? "listen:tls:" : "listen:", place, options);
  const auto& file = listened.file;
  const auto* const address = std::get_if<Address>(&listened.at.where);
  const bool has_file = address != nullptr && !address->path().empty();
  if (!has_file && (file.mode || file.user || file.group))
    throw BadInput("mode and owner are those of the file of a Unix socket: leave them out");
  if (listened.tls.is_on) complete(listened.tls, TlsOptions::Role::server, listened.at, {});
  return {.listened = std::move(listened)};
}

ListeningOptions listening_options(const EndSetup& setup, const ListenedEnd& listened) {
  ListeningOptions listening;
  listening.options.stream = setup.stream;
  listening.options.file = listened.file;
  listening.options.backlog = listened.backlog;
  listening.port_file = setup.port_file;
  listening.tls = make_tls(setup.context, listened.tls);
  listening.pin_file = listened.tls.pin_file;
  if (listening.tls)
    listening.options.stream.layers.push_back(tls_layer(setup.context, listening.tls, {}, setup.limits.idle));
  return listening;
}

std::unique_ptr<RelayEnd> make_end(const ParsedEnd& end, const EndSetup& setup) {
  if (end.dialed) return make_dialed(*end.dialed, setup);
  if (!end.listened) return end.make(setup);
  auto listening = listening_options(setup, *end.listened);
  auto at = end.listened->at;
  return std::make_unique<Listened>(setup.context, std::move(at), std::move(listening), setup.limits.accept);
}

void go_by_proxies(ParsedEnd& end, const std::string& word, const ProxyFlags& proxy, TlsFlags tls) {
  if (!proxy.are_given()) return;
  if (!end.dialed)
    throw BadInput(text("--proxy: '{}': a proxy leads to a host and a port: say HOST:PORT", word));
  auto& way = *end.dialed;
  way.proxy = proxy;
  complete(way.proxy, way.tls.is_on ? way.tls : tls, way.to, {});
}

}  // namespace sockx
