#include "commands/stream/tls_flags.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <tuple>

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "cli/flags.hpp"
#include "net/proxy/proxy_route.hpp"
#include "net/tls/start_tls.hpp"
#include "os/calls.hpp"
#include "os/new_file.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

namespace {

using Role = TlsOptions::Role;

/// The host of an endpoint; empty for a unix socket and others that have none.
std::string host_of(const Endpoint& endpoint) {
  if (const auto* const named = std::get_if<HostPort>(&endpoint.where)) return named->host;
  const auto* const address = std::get_if<Address>(&endpoint.where);
  return address != nullptr && is_internet(address->family()) ? address->ntop() : "";
}

/// Reads a line from the terminal without showing it.
std::string ask_passphrase(const std::string& file) {
  const UniqueFd terminal(open("/dev/tty", O_RDWR | O_CLOEXEC));
  termios before{};
  if (!terminal || tcgetattr(terminal.get(), &before) != 0)
    throw BadInput(
        text("--tls-key: '{}' is encrypted, and there is no terminal to ask for its passphrase", file));
  auto silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(terminal.get(), TCSAFLUSH, &silent);
  const OnExit restoring([&] { tcsetattr(terminal.get(), TCSAFLUSH, &before); });
  const auto question = text("passphrase for {}: ", file);
  std::ignore = write(terminal.get(), question.data(), question.size());
  std::string line;
  for (char c = 0; uninterrupted([&] { return read(terminal.get(), &c, 1); }) == 1 && c != '\n';) line += c;
  std::ignore = write(terminal.get(), "\n", 1);
  return line;
}

/// What a client on another host would connect to.
std::string words_for_client(const Address& address) {
  if (!is_internet(address.family())) return address.to_string();
  std::array<char, HOST_NAME_MAX + 1> host{};
  const bool is_named = address.is_any() && gethostname(host.data(), host.size() - 1) == 0;
  return text("{} {}", is_named ? std::string(host.data()) : address.host(), address.port());
}

std::string help_of_tls(TlsSide side) {
  switch (side) {
    case TlsSide::client:
      return "use TLS; the server is verified by its certificate's chain and name";
    case TlsSide::server:
      return "use TLS; without --tls-cert, with a certificate that is generated at the start";
    case TlsSide::either:
      break;
  }
  return "use TLS; the side that listens is the server, and the other verifies its certificate";
}

/// What the help of an option begins with that only a client has.
std::string help_of_client_part(TlsSide side) {
  switch (side) {
    case TlsSide::client:
      break;
    case TlsSide::server:
      return "with --forward tls:ENDPOINT: ";
    case TlsSide::either:
      return "as a client: ";
  }
  return "";
}

/// Whether an option is for this role only.
bool is_for(Role role, const std::string& name) {
  if (role == Role::server) return name == "--tls-client-ca" || name == "--tls-pin-file";
  return name == "--tls-ca" || name == "--tls-insecure" || name == "--tls-name";
}

/// An option that is for the other role.
std::string why_not(Role role, const std::string& name) {
  if (role == Role::client)
    return text("{}: it is for the side that listens, and this one connects: leave it out", name);
  if (name == "--tls-ca")
    return "--tls-ca: it is for the side that connects: to verify the clients say --tls-client-ca";
  return text("{}: it is for the side that connects, and this one listens: leave it out", name);
}

}  // namespace

void tell_tls(Context& context, const TlsOptions& options, const Connection& connection,
              const std::string& peer) {
  const auto& facts = *connection.tls;
  context.log.info("TLS with {}: {}", peer, shown(facts));
  if (options.is_insecure)
    context.log.warn("--tls-insecure: {} is not verified; it has presented {}", peer, facts.peer.pin);
  if (!context.report.has_events()) return;
  auto fields = fields_of(facts);
  fields.insert(fields.begin(), {"peer", peer});
  context.report.event("tls", fields);
}

std::string shown(const TlsFacts& facts) {
  auto words = text("{}, {}", facts.version, facts.cipher);
  if (!facts.alpn.empty()) words += text(", {}", facts.alpn);
  if (!facts.peer.pin.empty())
    words += text(", {} (issuer {}, notAfter {}, {}), verified by {}", facts.peer.subject, facts.peer.issuer,
                  facts.peer.not_after, facts.peer.pin, name_of(facts.verified_by));
  return words;
}

void add_tls_flags(Flags& flags, TlsFlags& tls, TlsSide side, std::initializer_list<const char*> without) {
  const HelpSection section(flags, "TLS");
  auto& options = tls.options;
  const bool may_serve = side != TlsSide::client;
  const auto on = flags.add_flag("--tls", tls.is_on, help_of_tls(side));
  const auto first = flags.all().size();
  const auto if_client = help_of_client_part(side);
  flags.add_text("--tls-ca", options.ca, "FILE|DIRECTORY",
                 if_client + "trust these authorities instead of the system's", ValueKind::path);
  const auto take_pins = [&options](const std::string& words) { options.pins = parse_pins(words); };
  flags.add_value("--tls-pin", "sha256//BASE64[;...]", take_pins,
                  "accept only these keys from the peer; without --tls-ca, a matching key is the only check",
                  ValueKind::text);
  flags.add_flag("--tls-insecure", options.is_insecure,
                 if_client + "verify nothing, except the pin if one is given");
  flags.add_text("--tls-name", options.name, "NAME", if_client + "the server's name, if it is not the host",
                 ValueKind::host);
  const std::string if_server = side == TlsSide::either ? "as a server: " : "";
  if (may_serve)
    flags.add_file("--tls-client-ca", tls.client_ca,
                   if_server + "require a certificate from each client, signed by one of these authorities");
  flags.add_file("--tls-cert", options.certificate, "present the certificate in FILE, PEM with its chain");
  flags.add_file("--tls-key", options.key, "the private key of the certificate, if it is in another file");
  const auto take_alpn = [&options](const std::string& words) { options.alpn = split_list(words); };
  flags
      .add_value("--tls-alpn", "NAME[,NAME...]", take_alpn,
                 "the protocols to negotiate (ALPN), the preferred one first", ValueKind::list)
      .choices({"http/1.1", "h2"});
  flags.add_choice("--tls-min", options.min_version,
                   {{"1.2", TlsOptions::Version::tls12}, {"1.3", TlsOptions::Version::tls13}},
                   "the oldest version of TLS (default: 1.2)");
  flags.add_text("--tls-ciphers", options.ciphers, "LIST", "the ciphers, as openssl-ciphers(1) names them",
                 ValueKind::text);
  flags.add_file("--tls-keylog", options.keylog,
                 "append the session keys of each connection to FILE, for Wireshark");
  flags.add_choice("--tls-eof", options.is_eof_lenient, {{"strict", false}, {"lenient", true}},
                   "whether it is a failure if the peer ends without close_notify (default: strict)");
  if (may_serve)
    flags.add_file("--tls-pin-file", tls.pin_file, if_server + "write the pin of our certificate to FILE");
  const auto all = flags.all();
  for (auto i = first; i < all.size(); ++i) all[i].noted_in(tls.given);
  flags.exclude(without, on);
}

TlsFlags take_client_part(TlsFlags& serving) {
  auto client = serving;
  client.is_on = true;
  client.given.clear();
  if (serving.is_on) {
    client.options.certificate.clear();
    client.options.key.clear();
  }
  auto& options = serving.options;
  options.ca.clear();
  options.name.clear();
  options.pins.clear();
  options.is_insecure = false;
  std::erase_if(serving.given, [&serving](const std::string& name) {
    const bool is_shared = !is_for(Role::client, name) && !is_for(Role::server, name);
    return is_for(Role::client, name) || name == "--tls-pin" || (is_shared && !serving.is_on);
  });
  return client;
}

void complete(TlsFlags& tls, Role role, const Endpoint& endpoint, const StreamOptions& stream) {
  auto& options = tls.options;
  options.role = role;
  const bool is_client = role == Role::client;
  for (const auto& name : tls.given)
    if (is_for(is_client ? Role::server : Role::client, name)) throw BadInput(why_not(role, name));
  if (!tls.is_on && !tls.given.empty()) throw BadInput(text("{}: say --tls too", tls.given.front()));
  if (!tls.is_on) return;
  if (stream.type == SOCK_SEQPACKET)
    throw BadInput("--tls is for a stream of bytes: leave --type seqpacket out");
  if (!is_client) options.ca = tls.client_ca;
  if (is_client && options.name.empty()) options.name = host_of(endpoint);
  check(options);
}

std::shared_ptr<TlsContext> make_tls(Context& context, const TlsFlags& tls) {
  if (!tls.is_on) return nullptr;
  auto options = tls.options;
  options.ask_passphrase = ask_passphrase;
  options.warn = [&log = context.log](const std::string& what) { log.warn("{}", what); };
  const char* const keylog = std::getenv("SSLKEYLOGFILE");
  if (options.keylog.empty() && keylog != nullptr && *keylog != '\0') {
    options.keylog = keylog;
    context.log.warn("SSLKEYLOGFILE is set: the secrets of each connection go to {}", options.keylog);
  }
  return std::make_shared<TlsContext>(std::move(options));
}

Layer tls_layer(Context& context, std::shared_ptr<const TlsContext> tls, const std::string& peer,
                std::optional<Duration> limit) {
  const auto told = [&context, tls](const Connection& connection) {
    tell_tls(context, tls->options(), connection, peer_name(connection));
  };
  return [start = start_tls(tls, peer, told), limit](Connection& connection, Deadline deadline) {
    return start(connection, limit ? std::min(deadline, after(*limit)) : deadline);
  };
}

void dial_by_tls(Context& context, const TlsFlags& tls, const Endpoint& endpoint, StreamOptions& stream,
                 std::optional<Duration> limit) {
  auto made = make_tls(context, tls);
  if (made) stream.layers.push_back(tls_layer(context, std::move(made), endpoint.to_string(), limit));
}

std::vector<Field> tell_pin(Context& context, const TlsContext& tls, const Address& address,
                            const std::string& pin_file, const ClientCommand& client) {
  const auto pin = tls.pin();
  const auto command = text("sockx {} --tls --tls-pin {} {}{}{}", client.name, pin, client.words,
                            client.words.empty() ? "" : " ", words_for_client(address));
  if (tls.is_ephemeral()) context.log.notice("clients connect by: {}", command);
  if (!pin_file.empty()) {
    NewFile file(pin_file, {});
    file.write(pin + '\n');
    file.complete(false);
  }
  return {{"tls_pin", pin}, {"command", command}};
}

std::vector<Field> fields_of(const TlsFacts& facts) {
  const auto unless_empty = [](const std::string& word) { return word.empty() ? Value() : Value(word); };
  return {{"version", facts.version},
          {"cipher", facts.cipher},
          {"alpn", unless_empty(facts.alpn)},
          {"server_name", unless_empty(facts.server_name)},
          {"peer_subject", unless_empty(facts.peer.subject)},
          {"issuer", unless_empty(facts.peer.issuer)},
          {"not_after", unless_empty(facts.peer.not_after)},
          {"pin", unless_empty(facts.peer.pin)},
          {"verified_by", std::string(name_of(facts.verified_by))}};
}

}  // namespace sockx
