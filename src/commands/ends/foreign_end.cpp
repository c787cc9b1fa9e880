#include "commands/ends/foreign_end.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "base/words.hpp"
#include "net/address/foreign_endpoint.hpp"

namespace sockx {

namespace {

struct ForeignKind {
  std::string_view names;   // in capitals
  std::string_view prefix;  // in front of what follows the colon
  std::string_view whole;   // the word of sockx where nothing follows
};
constexpr std::array foreign_kinds{
    ForeignKind{"STDIO STDIN STDOUT READLINE", "", "-"},
    ForeignKind{"EXEC SYSTEM SHELL SH", "sh:", "sh:COMMAND"},
    ForeignKind{"OPENSSL OPENSSL-CONNECT SSL SSL-CONNECT", "tls:", "tls:HOST:PORT"},
    ForeignKind{"OPENSSL-LISTEN SSL-LISTEN SSL-L", "listen:tls:", "listen:tls:PORT"},
    ForeignKind{"VSOCK VSOCK-CONNECT", "vsock:", "vsock:CID:PORT"},
    ForeignKind{"VSOCK-LISTEN VSOCK-L", "listen:vsock:any:", "listen:vsock:any:PORT"},
    ForeignKind{"FD", "fd:", "fd:N"},
    ForeignKind{"FILE OPEN GOPEN CREATE CREAT PIPE FIFO", "file:", "file:PATH"},
    ForeignKind{"TCP TCP4 TCP6 TCP-CONNECT", "", "HOST:PORT"},
    ForeignKind{"TCP-LISTEN TCP-L TCP4-LISTEN TCP6-LISTEN", "listen:", "listen:PORT"},
    ForeignKind{"UNIX UNIX-CONNECT UNIX-CLIENT", "unix:", "unix:PATH"},
    ForeignKind{"UNIX-LISTEN UNIX-L", "listen:unix:", "listen:unix:PATH"},
    ForeignKind{"PTY", "", "pty"},
};

std::string in_capitals(std::string word) {
  for (auto& letter : word)
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  return word;
}

/// The value of an option that follows a comma, or "" where it has none; nothing where it is not there.
std::optional<std::string> option_in(const std::string& word, const std::string& name) {
  const auto parts = split_list(word);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == name) return "";
    if (parts[i].starts_with(name + '=')) return parts[i].substr(name.size() + 1);
  }
  return {};
}

ForeignEnd from_endpoint(const ForeignEndpoint& endpoint) {
  if (endpoint.is_datagram)
    return {"", text("use `sockx udp {}{}`", endpoint.listens ? "--listen " : "", endpoint.word)};
  if (endpoint.listens) return {"listen:" + endpoint.word, "", endpoint.forks};
  const bool is_whole = endpoint.word.find(':') != std::string::npos;
  if (is_whole) return {endpoint.word, ""};
  return {is_all_digits(endpoint.word) ? "HOST:" + endpoint.word : endpoint.word + ":PORT", ""};
}

/// socat's options of TLS that sockx has too, as it writes them.
std::string tls_options_in(const std::string& word) {
  std::string options;
  for (const auto& [theirs, ours] : {std::pair{"cafile", "ca"},
                                     {"capath", "ca"},
                                     {"cert", "cert"},
                                     {"key", "key"},
                                     {"commonname", "name"}})
    if (const auto value = option_in(word, theirs)) options += text(",{}={}", ours, *value);
  if (option_in(word, "verify") == "0") options += ",insecure=yes";
  return options;
}

/// Paths that serial lines usually have.
bool is_serial_device(const std::string& path) {
  for (const std::string_view begin : {"/dev/tty", "/dev/serial/", "/dev/rfcomm", "/dev/cua"})
    if (path.starts_with(begin)) return true;
  return false;
}

std::string word_of(const ForeignKind& kind, const std::string& rest, const std::string& word,
                    bool is_first) {
  if (kind.whole == "pty") {
    const auto link = option_in(word, "link").value_or("");
    return link.empty() ? "pty" : "pty:" + link;
  }
  if (rest.empty() || kind.whole == "-") return std::string(kind.whole);
  if (kind.prefix == "file:" && is_serial_device(rest))
    return ForeignEnd::serial(word.substr(word.find(':') + 1)).word;
  if (kind.prefix == "file:" && !is_first && option_in(word, "append")) return "append:" + rest;
  if (kind.prefix.find("tls:") != std::string_view::npos)
    return text("{}{}{}", kind.prefix, rest, tls_options_in(word));
  if (kind.prefix == "sh:" && option_in(word, "pty")) return "pty+sh:" + rest;
  return std::string(kind.prefix) + rest;
}

}  // namespace

ForeignEnd ForeignEnd::serial(const std::string& rest) {
  auto word = "tty:" + rest.substr(0, rest.find(','));
  bool has_speed = false;
  for (const auto& option : split_list(rest)) {
    const auto equals = option.find('=');
    const auto name = option.substr(0, equals);
    const bool is_named = equals != std::string::npos && is_among(name, "ispeed ospeed speed b baud");
    const auto speed = is_named ? option.substr(equals + 1) : option.starts_with('b') ? option.substr(1) : "";
    if (!has_speed && is_all_digits(speed)) {
      word += ",speed=" + speed;
      has_speed = true;
    }
    if (is_among(option, "crtscts crtscts=1")) word += ",flow=rtscts";
  }
  return {word, ""};
}

std::optional<ForeignEnd> ForeignEnd::read(const std::string& word, bool is_first) {
  if (is_serial_device(word)) return serial(word);
  constexpr std::string_view serial_prefix = "serial:";
  if (in_capitals(word.substr(0, serial_prefix.size())) == "SERIAL:" && word.find('/') != std::string::npos)
    return serial(word.substr(serial_prefix.size()));
  if (word.find("://") != std::string::npos) return {};
  if (const auto endpoint = ForeignEndpoint::read(word)) {
    const auto colon = word.find(':');
    const bool may_be_host = word.find('-') > colon &&
                             in_capitals(word.substr(0, colon)) != word.substr(0, colon) &&
                             is_all_digits(word.substr(colon + 1));
    if (may_be_host) return {};
    return from_endpoint(*endpoint);
  }
  const auto end = std::min(word.find_first_of(":,"), word.size());
  const auto typed = word.substr(0, end), name = in_capitals(typed);
  const bool has_rest = end < word.size() && word[end] == ':';
  const auto comma = std::min(word.find(',', end), word.size());
  const auto rest = has_rest ? word.substr(end + 1, comma - end - 1) : "";
  const bool is_ambiguous = !has_rest || is_all_digits(rest) || is_among(typed, "file fd vsock unix pty");
  if (typed != name && is_ambiguous) return {};
  for (const auto& kind : foreign_kinds) {
    if (!is_among(name, kind.names)) continue;
    return ForeignEnd{word_of(kind, rest, word, is_first), "", option_in(word, "fork").has_value()};
  }
  if (is_among(name, "PROXY PROXY-CONNECT SOCKS4 SOCKS4A SOCKS5 SOCKS5-CONNECT"))
    return ForeignEnd{"", "say the end HOST:PORT, and the proxy by --proxy"};
  if (is_among(name, "TUN INTERFACE INTERFACE: SCTP SCTP-CONNECT SCTP-LISTEN IP IP-SENDTO IP-RECV UDPLITE"))
    return ForeignEnd{"", "sockx relay has no such end: see `sockx relay --help`"};
  return {};
}

std::string ForeignEnd::advice() const {
  if (word.empty()) return instead;
  return text("say {}{}", word, forks ? ", and --keep-open" : "");
}

}  // namespace sockx
