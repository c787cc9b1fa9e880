// The ends that are connections: ENDPOINT, tls:ENDPOINT, listen:ENDPOINT.
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "commands/ends/end_kind.hpp"
#include "commands/stream/dialing.hpp"
#include "commands/stream/tls_flags.hpp"

namespace sockx {

namespace {

/// A word in brackets that is no address is a host whose name would be taken for the kind of an end.
Endpoint parse_endpoint(const std::string& word, Endpoint::Role role) {
  const auto close = word.find("]:");
  const bool is_name = word.starts_with('[') && close != std::string::npos && word.find(':') > close;
  if (is_name) return Endpoint::parse({word.substr(1, close - 1), word.substr(close + 2)}, role);
  const auto comma = word.find(',');
  if (comma != std::string::npos && !word.starts_with("unix:") && !word.starts_with("fd:unix:"))
    throw BadInput(text("'{}': '{}' is no option of this end: leave it out", word, word.substr(comma)));
  return Endpoint::parse({word}, role);
}

MakeEnd dialed(Endpoint to, TlsFlags tls) {
  return [to = std::move(to), tls = std::move(tls)](const EndSetup& setup) {
    auto stream = setup.stream;
    dial_by_tls(setup.context, tls, to, stream, time_for_layers);
    return make_dialed_end({to, dial_options(setup.context, stream), setup.limits.connect});
  };
}

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

ParsedEnd parse_dialed_end(const std::string& rest, EndPlace) {
  return {.make = dialed(parse_endpoint(rest, Endpoint::Role::connecting), {})};
}

ParsedEnd parse_tls_end(const std::string& rest, EndPlace) {
  TlsFlags tls;
  Flags options;
  add_tls_flags(options, tls, TlsSide::client, {});
  auto to = parse_endpoint(take_end_options(rest, options), Endpoint::Role::connecting);
  tls.is_on = true;
  complete(tls, TlsOptions::Role::client, to, {});
  return {.make = dialed(std::move(to), std::move(tls))};
}

ParsedEnd parse_listened_end(const std::string& rest, EndPlace) {
  constexpr std::string_view prefix = "tls:";
  ListenedEnd listened;
  ListeningOptions binding;
  Flags options;
  listened.tls.is_on = rest.starts_with(prefix);
  if (listened.tls.is_on) add_tls_flags(options, listened.tls, TlsSide::server, {});
  add_socket_file_flags(options, listened.file);
  add_backlog_flag(options, listened.backlog);
  const auto word = take_end_options(listened.tls.is_on ? rest.substr(prefix.size()) : rest, options);
  listened.at = parse_endpoint(word, Endpoint::Role::listening);
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

std::unique_ptr<RelayEnd> make_listened_end(const EndSetup& setup, ListenedEnd listened) {
  auto listening = listening_options(setup, listened);
  return std::make_unique<Listened>(setup.context, std::move(listened.at), std::move(listening),
                                    setup.limits.accept);
}

}  // namespace sockx
