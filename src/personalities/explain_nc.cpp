#include "personalities/explain_nc.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/error.hpp"
#include "base/shell_word.hpp"
#include "base/text.hpp"
#include "net/address/port_list.hpp"

namespace sockx {

namespace {

/// A host as a URL and an endpoint of one word have it.
std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : text("[{}]", host);
}

/// The path of a unix socket as an endpoint: a backslash would begin an escape there.
std::string unix_endpoint(const std::string& path) {
  std::string word = "unix:";
  for (const char c : path) word += c == '\\' ? std::string("\\x5c") : std::string(1, c);
  return word;
}

class Explainer {
 public:
  explicit Explainer(const NcOptions& options) : o_(options) {}

  NcExplanation explain() {
    if (o_.is_udp)
      o_.listens ? datagram_server() : datagram_client();
    else
      o_.listens ? server() : client();
    std::string command = joined(words_, " ") + behind_;
    if (!loop_ports_.empty())
      command = text("for port in {}; do {}; done", joined(loop_ports_, " "), command);
    return {std::move(command), std::move(notes_)};
  }

 private:
  void say(const std::string& word) { words_.push_back(quoted_for_shell(word)); }
  void say(const std::string& option, const std::string& value) {
    say(option);
    say(value);
  }
  /// A host, a port or an endpoint, which stand behind the options.
  void say_operand(const std::string& word) {
    if (word.starts_with('-') && !has_ended_options_) {
      say("--");
      has_ended_options_ = true;
    }
    say(word);
  }
  void say_seconds(const std::string& option, int seconds) { say(option, text("{}s", seconds)); }
  void note(std::string line) { notes_.push_back(std::move(line)); }

  void begin(const char* command) {
    words_ = {"sockx", command};
    if (o_.verbosity > 0) say(o_.verbosity > 1 ? "-vv" : "-v");
    if (o_.verbosity > 0) note("sockx words its messages otherwise");
    if (o_.family == AF_INET) say("-4");
    if (o_.family == AF_INET6) say("-6");
    if (o_.numeric) say("--numeric");
    say_settings();
  }

  /// Whether the options for IPv6 are those to set. Of a name it is not known yet.
  bool is_ipv6() const {
    return o_.family == AF_INET6 || (o_.host && o_.host->find(':') != std::string::npos);
  }

  void say_setting(const char* name, const std::optional<int>& value) {
    if (value) say("--opt", text("{}={}", name, *value));
  }

  void say_settings() {
    if (o_.debugs) say("--opt", "SO_DEBUG=on");
    say_setting("SO_RCVBUF", o_.receive_buffer);
    say_setting("SO_SNDBUF", o_.send_buffer);
    if (o_.is_unix()) return;
    say_setting(is_ipv6() ? "IPV6_TCLASS" : "IP_TOS", o_.tos);
    say_setting(is_ipv6() ? "IPV6_UNICAST_HOPS" : "IP_TTL", o_.ttl);
    say_setting(is_ipv6() ? "IPV6_MINHOPCOUNT" : "IP_MINTTL", o_.least_ttl);
    const bool is_unclear = o_.family == AF_UNSPEC && !is_ipv6() && (o_.tos || o_.ttl || o_.least_ttl);
    if (is_unclear && o_.host)
      note("for IPv6 the options are IPV6_TCLASS, IPV6_UNICAST_HOPS, IPV6_MINHOPCOUNT");
  }

  void say_source() {
    if (o_.is_unix()) {
      if (o_.source && o_.is_udp) say("--source", unix_endpoint(*o_.source));
      return;
    }
    if (!o_.source && o_.source_port.value_or("").empty()) return;
    const auto host = o_.source.value_or("");
    const bool has_port = !o_.source_port.value_or("").empty();
    say("--source", has_port ? text("{}:{}", bracketed(host), *o_.source_port) : host);
    const bool is_name = host.find_first_not_of("0123456789.:abcdefABCDEF%") != std::string::npos;
    if (is_name) note("--source takes addresses only; nc looks names up");
  }

  /// An empty one is this host for nc.
  std::string host() const { return o_.host->empty() ? "localhost" : *o_.host; }

  /// The host and the port; with several ports the command is run for each.
  void say_target() {
    say_operand(host());
    if (o_.ports.size() == 1) return say(text("{}", o_.ports.front()));
    for (const auto port : o_.ports) loop_ports_.push_back(text("{}", port));
    words_.emplace_back("\"$port\"");
    if (o_.is_random) loop_ports_ = {text("$(shuf -e {})", joined(loop_ports_, " "))};
    note("the status is that of the last port; with nc it is 0 if any port was open");
  }

  void say_proxy() {
    if (!o_.proxy) return;
    const auto& proxy = *o_.proxy;
    const auto* const scheme = proxy.kind == NcProxy::Kind::socks4   ? "socks4"
                               : proxy.kind == NcProxy::Kind::socks5 ? "socks5h"
                                                                     : "http";
    const auto* const usual = proxy.kind == NcProxy::Kind::connect ? "3128" : "1080";
    say("--proxy", text("{}://{}:{}", scheme, bracketed(proxy.host), proxy.port.value_or(usual)));
    if (o_.proxy_user && proxy.kind == NcProxy::Kind::connect)
      note(
          "nc asks for the password; sockx takes it with the user from SOCKX_PROXY_AUTH=USER:PASSWORD, or "
          "from --proxy-auth-file");
    note("a refusal by the proxy has the status 13; with nc it is 1");
  }

  void note_statuses() {
    note("the status tells the cause (sockx help exit-status)");
    note("with nc the status is 1, and 0 after a reset or a failed write");
  }

  void client() {
    begin("connect");
    if (o_.scans && !o_.is_unix() && o_.ports.size() > 1) return scan();
    if (o_.timeout.value_or(0) > 0) say_seconds("--connect-timeout", *o_.timeout);
    say_source();
    say_proxy();
    if (o_.scans) {
      say("--check");
      note("the result is printed on standard output; nc tells it with -v only, on standard error");
      if (!o_.timeout) note("the time limit is 5 s; nc waits as long as TCP does");
    } else if (o_.passes_fd) {
      say("--pass-fd");
    } else {
      say_conversation();
    }
    if (o_.is_unix())
      say(unix_endpoint(*o_.host));
    else
      say_target();
    note_statuses();
  }

  void scan() {
    if (o_.timeout.value_or(0) > 0) say_seconds("--connect-timeout", *o_.timeout);
    say_source();
    say_proxy();
    say("--scan");
    say("--any");
    say_operand(host());
    auto ports = o_.ports;
    std::ranges::sort(ports);
    auto list = show_port_list(ports);
    std::erase(list, ' ');
    say(list);
    note(
        "the open ports are printed on standard output, together; nc tells each with -v only, on standard "
        "error");
    if (!o_.timeout) note("each port has 5 s; nc waits as long as TCP does");
    if (o_.is_random) note("the ports are tried side by side: -r has no meaning");
    note("when no port is open the status is 4; with nc it is 1");
  }

  /// What the stream is joined to, and when the session ends.
  void say_conversation() {
    if (o_.crlf) say("--crlf");
    if (o_.interval > 0 && !o_.keeps_open) say_seconds("--line-delay", o_.interval);
    if (o_.interval > 0 && o_.keeps_open) note("--keep-open has no --line-delay");
    if (o_.timeout) {
      say_seconds("--idle-timeout", std::max(*o_.timeout, 1));
      note("after that silence the status is 5; with nc it is 0");
    }
    if (o_.most_packets && o_.keeps_open) note("--keep-open has no --max-bytes: -W has no equivalent");
    if (o_.most_packets && !o_.keeps_open) {
      say("--max-bytes", text("{}", 16384ULL * static_cast<unsigned long long>(*o_.most_packets)));
      note("a stream has no packets: nc counts its read(2), of at most 16384 bytes each");
    }
    say_end();
    if (o_.quit && !o_.listens)
      note(
          "the end of standard input is passed on, and the session ends with the end of the peer, as with "
          "nc; "
          "--eof-timeout bounds the wait");
  }

  /// When our half is shut down, and when the session is over.
  void say_end() {
    const bool hears_nothing = !o_.reads_input && !o_.passes_end();
    if (!o_.reads_input && o_.passes_end()) behind_ = " < /dev/null";
    if (hears_nothing) return say("--recv-only");
    if (!o_.passes_end() && !o_.keeps_open) say("--no-shutdown");
    if (!o_.passes_end() && o_.keeps_open) note("the end of standard input is passed on to the clients");
    if (!o_.listens) return say("--until", "both");
    if (!o_.quit || o_.keeps_open) {
      say("--until", "peer");
      note("when the client has ended, nothing more is sent, as with nc");
      return;
    }
    say("--until", "local");
    say_seconds("--eof-timeout", *o_.quit);
    note(
        "what the client sends after the end of our input is dropped; nc closes then, before it has read "
        "all");
  }

  void server() {
    begin("listen");
    if (o_.keeps_open) {
      say("--keep-open");
      say("--max-conns", "1");
      note("standard input is read once, by the clients together; nc gives each client what is left of it");
    }
    if (o_.keeps_open && !o_.is_unix()) say("--reuse-port");
    say_conversation();
    if (o_.is_unix()) {
      say(unix_endpoint(*o_.host));
      note(
          "the file of the socket is removed at the end, and one that is in use is not replaced; nc leaves "
          "it, "
          "and replaces any");
    } else {
      say_place();
      if (!o_.keeps_open) note("the port is closed for others once a client is there; nc lets one more wait");
    }
    note_statuses();
  }

  /// Where a server listens.
  void say_place() {
    if (o_.host)
      say_operand(*o_.host);
    else if (o_.family != AF_INET6)
      say("0.0.0.0");
    else
      words_.erase(std::ranges::find(words_, "-6"));  // nc takes IPv4 on :: too, as a port alone does
    say_operand(o_.port);
  }

  void say_datagrams() {
    if (o_.broadcasts) say("--broadcast");
    if (o_.crlf) note("udp has no --crlf: send the lines through unix2dos");
    if (o_.interval > 0) say("--rate", "1pps");
    if (o_.interval > 1) note(text("the rate is a datagram a second, with nc one in {} s", o_.interval));
    const bool by_line = o_.crlf || o_.interval > 0;
    say("--framing", by_line ? "line" : "size=16384");
    if (!by_line)
      note(
          "nc sends what it reads at once, at most 16384 bytes; on a terminal say --framing line, the "
          "default");
    if (!o_.reads_input) behind_ = " < /dev/null";
  }

  void datagram_client() {
    begin("udp");
    say_source();
    if (o_.scans) return datagram_check();
    say_datagrams();
    if (o_.most_packets) say("--expect", text("{}", *o_.most_packets));
    if (o_.quit)
      say_seconds("--reply-timeout", *o_.quit);
    else if (o_.timeout)
      say_seconds("--reply-timeout", std::max(*o_.timeout, 1));
    else
      say("--reply-timeout", "24h");
    if (!o_.quit && !o_.timeout) note("nc waits for replies until it is stopped");
    if (o_.quit) note("nc takes no replies after the end of standard input");
    if (o_.verbosity > 0) note("with -v nc sends a few datagrams X first");
    if (o_.passes_fd) note("udp passes no socket on: -F has no equivalent");
    say_datagram_target();
    note("a refusal by the host of the peer has the status 4; with nc it is 0");
  }

  /// -z
  void datagram_check() {
    say("--framing", "all");
    say_seconds("--reply-timeout", o_.timeout.value_or(3));
    words_.insert(words_.begin(), {"printf", "X", "|"});
    say_datagram_target();
    note(
        "it is asked by a datagram whether somebody is there: status 4 when it is refused, 0 without an "
        "answer; "
        "without -v nc sends nothing, and its status is always 0");
  }

  void say_datagram_target() {
    if (o_.is_unix())
      say(unix_endpoint(*o_.host));
    else
      say_target();
  }

  void datagram_server() {
    begin("udp");
    say("--listen");
    say_datagrams();
    if (o_.keeps_open) say("--reply", "none");
    if (o_.timeout) {
      say_seconds("--idle-timeout", std::max(*o_.timeout, 1));
      note("after that silence the status is 5; with nc it is 0");
    }
    if (o_.most_packets) say("--datagrams", text("{}", *o_.most_packets));
    if (o_.quit) note("udp --listen does not end with standard input: -q has no equivalent");
    if (!o_.keeps_open) note("every peer is heard; nc hears the first one alone");
    if (o_.is_unix()) {
      say(unix_endpoint(*o_.host));
      note("the file of the socket is removed at the end; nc leaves it");
    } else {
      say_place();
    }
  }

  const NcOptions& o_;
  std::vector<std::string> words_, notes_, loop_ports_;
  bool has_ended_options_ = false;  // by --
  std::string behind_;              // the command
};

}  // namespace

NcExplanation explain(const NcOptions& options) { return Explainer(options).explain(); }

int run_explain(const std::vector<std::string>& words) {
  std::string page;
  try {
    const auto explanation = explain(parse_nc(words));
    page = explanation.command + '\n';
    for (const auto& line : explanation.notes) page += "# " + one_line(line) + '\n';
  } catch (const NcEnd& end) {
    if (end.status() != 0) std::fputs(end.what(), stderr);
    if (end.status() != 0) return end.status();
    page = "sockx nc --help\n";  // -h
  }
  const bool is_printed = std::fputs(page.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!is_printed) throw_errno("write stdout", Origin::standard_output);
  return 0;
}

}  // namespace sockx
