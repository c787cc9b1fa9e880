#include "personalities/nc_options.hpp"

#include <getopt.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "net/address/lookups.hpp"

namespace sockx {

namespace {

constexpr auto usage =
    "usage: nc [-46bCDdFhklNnrUuvz] [-I length] [-i interval] [-M ttl]\n"
    "\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]\n"
    "\t  [-q seconds] [-s sourceaddr] [-T keyword] [-W recvlimit]\n"
    "\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]\n"
    "\t  [destination] [port]\n";

constexpr std::array letters{
    NcLetter{'4', "", "use IPv4 only"},
    NcLetter{'6', "", "use IPv6 only"},
    NcLetter{'b', "", "with -u: send to broadcast addresses"},
    NcLetter{'C', "", "send CRLF at the end of each line"},
    NcLetter{'D', "", "set SO_DEBUG"},
    NcLetter{'d', "", "read no standard input"},
    NcLetter{'F', "", "pass the connection on through standard output"},
    NcLetter{'I', "SIZE", "set the size of the receive buffer"},
    NcLetter{'i', "SECONDS", "pause after each line that is sent"},
    NcLetter{'k', "", "with -l: serve one client after another"},
    NcLetter{'l', "", "listen"},
    NcLetter{'M', "TTL", "set the TTL, or hop limit, of what is sent"},
    NcLetter{'m', "TTL", "drop what arrives with a lower TTL, or hop limit"},
    NcLetter{'N', "", "shut down our half of the connection when standard input ends"},
    NcLetter{'n', "", "do not look up names"},
    NcLetter{'O', "SIZE", "set the size of the send buffer"},
    NcLetter{'P', "USER", "log in to an HTTP proxy as USER"},
    NcLetter{'p', "PORT", "use this local port; with -l, listen on it"},
    NcLetter{'q', "SECONDS", "shut down our half when standard input ends, as -N does"},
    NcLetter{'r', "", "try the ports in random order"},
    NcLetter{'s', "ADDR", "use this local address; with -l, listen on it"},
    NcLetter{'T', "TOS", "set the TOS, or traffic class"},
    NcLetter{'U', "", "use unix sockets: HOST is a path"},
    NcLetter{'u', "", "use datagrams"},
    NcLetter{'W', "N", "quit when N packets have been received"},
    NcLetter{'w', "SECONDS", "limit connecting, and silence, to SECONDS"},
    NcLetter{'X', "PROTOCOL", "the kind of proxy (default: 5)"},
    NcLetter{'x', "HOST[:PORT]", "connect by this proxy"},
    NcLetter{'z', "", "only see whether ports are open"},
};

/// A whole number, or what strtonum(3) calls it: "invalid", "too small", "too large".
struct Number {
  int value = 0;
  const char* fault = nullptr;
};

Number number_between(std::string_view word, int low, int high) {
  while (!word.empty() && std::isspace(static_cast<unsigned char>(word.front())) != 0) word.remove_prefix(1);
  const bool has_plus = word.starts_with('+') && !word.starts_with("+-");
  if (has_plus) word.remove_prefix(1);
  long long number = 0;
  const auto* const end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, number);
  if (error == std::errc::invalid_argument || stopped != end) return {0, "invalid"};
  const bool is_beyond = error == std::errc::result_out_of_range;
  const bool is_negative = word.starts_with('-');
  if ((is_beyond && is_negative) || (!is_beyond && number < low)) return {0, "too small"};
  if (is_beyond || number > high) return {0, "too large"};
  return {static_cast<int>(number)};
}

struct NamedTos {
  std::string_view name;
  int value;
};

/// As in <netinet/ip.h>.
constexpr std::array tos_names{
    NamedTos{"af11", 0x28},      NamedTos{"af12", 0x30},        NamedTos{"af13", 0x38},
    NamedTos{"af21", 0x48},      NamedTos{"af22", 0x50},        NamedTos{"af23", 0x58},
    NamedTos{"af31", 0x68},      NamedTos{"af32", 0x70},        NamedTos{"af33", 0x78},
    NamedTos{"af41", 0x88},      NamedTos{"af42", 0x90},        NamedTos{"af43", 0x98},
    NamedTos{"critical", 0xa0},  NamedTos{"cs0", 0x00},         NamedTos{"cs1", 0x20},
    NamedTos{"cs2", 0x40},       NamedTos{"cs3", 0x60},         NamedTos{"cs4", 0x80},
    NamedTos{"cs5", 0xa0},       NamedTos{"cs6", 0xc0},         NamedTos{"cs7", 0xe0},
    NamedTos{"ef", 0xb8},        NamedTos{"inetcontrol", 0xc0}, NamedTos{"lowcost", 0x02},
    NamedTos{"lowdelay", 0x10},  NamedTos{"netcontrol", 0xe0},  NamedTos{"reliability", 0x04},
    NamedTos{"throughput", 0x08}};

/// What to use instead of a letter that we do not have; null for one that we have.
const char* replacement_of(int letter) {
  switch (letter) {
    case 'V':
      return "Linux has no routing tables by number here; use `ip rule`, or sockx connect --interface DEV";
    case 'S':
      return "TCP MD5 signatures are not supported; for a peer that is verified use sockx connect --tls";
    case 'Z':
      return "this kernel's tools have no DCCP; use -u, or sockx udp";
    case 't':
      return "TELNET is not answered; use telnet(1)";
    case 'c':
      return "for TLS use sockx connect --tls, and to run a command sockx listen --sh COMMAND";
    case 'e':
      return "to run a program use sockx listen --exec PORT -- PROGRAM ARG...";
    default:
      return nullptr;
  }
}

/// What -h prints.
std::string summary() {
  std::string lines = usage;
  for (const auto& letter : letters)
    lines += text("\t\t-{} {:<11} {}\n", letter.letter, letter.value, letter.help);
  return lines +
         "\tA port is a number, a service, or a range such as 20-30. `sockx explain nc` prints\n"
         "\tthe sockx command for a command line of nc.\n";
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& words) : words_(words) {
    const auto& called = words.front();
    options_.name = one_line(called.substr(called.rfind('/') + 1));
  }

  NcOptions parse() {
    read_letters();
    read_operands();
    check();
    if (options_.proxy) read_proxy();
    if (!options_.listens && !options_.is_unix()) read_ports();
    return std::move(options_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw NcEnd(text("{}: {}\n", options_.name, one_line(message)));
  }

  /// About the letter that getopt(3) has met.
  [[noreturn]] void fail_with_usage(const char* fault) const {
    const auto message = text("{}: {} -- '{}'", words_.front(), fault, static_cast<char>(optopt));
    throw NcEnd(text("{}\n{}", one_line(message), usage));
  }

  int number(std::string_view what, const char* word, int low, int high) const {
    const auto number = number_between(word, low, high);
    if (number.fault != nullptr) fail(text("{} {}: {}", what, number.fault, word));
    return number.value;
  }

  int hops(std::string_view what, const char* word) const {
    const auto number = number_between(word, 0, 255);
    if (number.fault != nullptr) fail(text("{} is {}", what, number.fault));
    return number.value;
  }

  int tos(const std::string& word) const {
    const auto* const named = std::ranges::find(tos_names, word, &NamedTos::name);
    if (named != tos_names.end()) return named->value;
    if (word.starts_with("0x")) {
      unsigned value = 0;
      std::from_chars(word.data() + 2, word.data() + word.size(), value, 16);
      if (value <= 255) return static_cast<int>(value);
    } else if (const auto number = number_between(word, 0, 255); number.fault == nullptr) {
      return number.value;
    }
    fail(text("illegal tos value {}", word));
  }

  void read_letters() {
    std::vector<std::string> copies = words_;  // getopt(3) moves the words
    std::vector<char*> pointers;
    pointers.reserve(copies.size() + 1);
    for (auto& word : copies) pointers.push_back(word.data());
    const int count = static_cast<int>(pointers.size());
    pointers.push_back(nullptr);
    optind = 0;  // begin anew, in glibc's way
    opterr = 0;
    int letter = 0;
    // With the first colon a missing value is told from an unknown letter.
    while ((letter = getopt(count, pointers.data(),
                            ":46bCcDdeFhI:i:klM:m:NnO:P:p:q:rSs:T:tUuV:vW:w:X:x:Zz")) != -1)
      read_letter(letter);
    for (int at = optind; at < count; ++at) operands_.emplace_back(pointers[static_cast<std::size_t>(at)]);
  }

  void read_letter(int letter) {
    auto& o = options_;
    constexpr int int_max = std::numeric_limits<int>::max(), int_min = std::numeric_limits<int>::min();
    constexpr int largest_buffer = 65536 << 14;
    if (const auto* const other = replacement_of(letter))
      fail(text("-{}: {}", static_cast<char>(letter), other));
    switch (letter) {
      case '4':
        o.family = AF_INET;
        break;
      case '6':
        o.family = AF_INET6;
        break;
      case 'U':
        o.family = AF_UNIX;
        break;
      case 'b':
        o.broadcasts = true;
        break;
      case 'C':
        o.crlf = true;
        break;
      case 'D':
        o.debugs = true;
        break;
      case 'd':
        o.reads_input = false;
        break;
      case 'F':
        o.passes_fd = true;
        break;
      case 'h':
        throw NcEnd("sockx, with the options of OpenBSD netcat\n" + summary(), 0);
      case 'k':
        o.keeps_open = true;
        break;
      case 'l':
        o.listens = true;
        break;
      case 'N':
        o.shuts_down = true;
        break;
      case 'n':
        o.numeric = true;
        break;
      case 'r':
        o.is_random = true;
        break;
      case 'u':
        o.is_udp = true;
        break;
      case 'v':
        ++o.verbosity;
        break;
      case 'z':
        o.scans = true;
        break;
      case 'I':
        o.receive_buffer = number("TCP receive window", optarg, 1, largest_buffer);
        break;
      case 'O':
        o.send_buffer = number("TCP send window", optarg, 1, largest_buffer);
        break;
      case 'i':
        o.interval = number("interval", optarg, 0, int_max);
        break;
      case 'M':
        o.ttl = hops("ttl", optarg);
        break;
      case 'm':
        o.least_ttl = hops("minttl", optarg);
        break;
      case 'q': {
        const int span = number("quit timer", optarg, int_min, int_max);
        o.quit = span < 0 ? std::nullopt : std::optional(span);
        o.shuts_down = o.shuts_down || span >= 0;  // as with nc, also when a later -q is negative
        break;
      }
      case 'W':
        o.most_packets = number("receive limit", optarg, 1, int_max);
        break;
      case 'w':
        o.timeout = number("timeout", optarg, 0, int_max / 1000);
        break;
      case 'P':
        o.proxy_user = optarg;
        break;
      case 'p':
        o.source_port = optarg;
        break;
      case 's':
        o.source = optarg;
        break;
      case 'T':
        o.tos = tos(optarg);
        break;
      case 'X':
        proxy_kind_ = proxy_kind(optarg);
        break;
      case 'x':
        o.proxy.emplace();
        proxy_ = optarg;
        break;
      case ':':
        fail_with_usage("option requires an argument");
      default:
        fail_with_usage("invalid option");
    }
  }

  NcProxy::Kind proxy_kind(std::string word) const {
    std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
    if (word == "connect") return NcProxy::Kind::connect;
    if (word == "4") return NcProxy::Kind::socks4;
    if (word == "5") return NcProxy::Kind::socks5;
    fail("unsupported proxy protocol");
  }

  void read_operands() {
    auto& o = options_;
    const auto count = operands_.size();
    const bool is_unix_client = o.is_unix() && o.is_udp && !o.listens;  // -s is then a path of ours
    std::optional<std::string> port;
    if (count == 0 && o.listens) {
      port = std::exchange(o.source_port, {});
      o.host = std::exchange(o.source, {});
    } else if (count == 1 && !o.source_port && (!o.source || is_unix_client)) {
      if (o.is_unix() || !o.listens)
        o.host = operands_[0];
      else
        port = operands_[0];
    } else if (count >= 2) {
      if (o.listens && (o.source_port || o.source || count > 2)) throw NcEnd(usage);
      o.host = operands_[0];
      port = operands_[1];
    } else {
      throw NcEnd(usage);
    }
    if (o.is_unix()) {
      if (port) fail("cannot use port with -U");
      if (!o.host) fail("missing socket pathname");
    } else if (!port) {
      fail("missing port number");
    }
    if (o.listens && port) o.port = local_port(*port);
    if (o.source_port && !o.source_port->empty()) local_port(*o.source_port);
  }

  /// getaddrinfo(3) takes 70000 for 4464, and no word for 0.
  std::string local_port(const std::string& word) const {
    const auto number = number_between(word, 0, 65535);
    const bool is_number = number.fault == nullptr || std::string_view(number.fault) != "invalid";
    if (word.empty() || (is_number && number.fault != nullptr))
      fail(text("port number {}: {}", number.fault, word));
    return word;
  }

  void check() const {
    const auto& o = options_;
    if (o.listens && o.scans) fail("cannot use -z and -l");
    if (!o.listens && o.keeps_open) fail("must use -l with -k");
    if (o.is_unix() && o.passes_fd) fail("cannot use -F and -U");
    if (!o.proxy) return;
    if (o.is_udp) fail("no proxy support for UDP mode");
    if (o.listens) fail("no proxy support for listen");
    if (o.is_unix()) fail("no proxy support for unix sockets");
    if (o.source) fail("no proxy support for local source address");
  }

  void read_proxy() {
    auto& proxy = *options_.proxy;
    proxy.kind = proxy_kind_;
    if (proxy_.starts_with('[')) {
      const auto end = proxy_.find(']');
      if (end == std::string::npos) fail("missing closing bracket in proxy");
      proxy.host = proxy_.substr(1, end - 1);
      const auto rest = proxy_.substr(end + 1);
      if (rest.empty()) return;
      if (!rest.starts_with(':')) fail("garbage proxy port delimiter");
      proxy.port = rest.substr(1);
      return;
    }
    const auto colon = proxy_.rfind(':');
    proxy.host = proxy_.substr(0, colon);
    if (colon != std::string::npos) proxy.port = proxy_.substr(colon + 1);
  }

  std::uint16_t port_number(const std::string& word) const {
    const auto number = number_between(word, 1, 65535);
    if (number.fault != nullptr) fail(text("port number {}: {}", number.fault, word));
    return static_cast<std::uint16_t>(number.value);
  }

  /// A word is a service, a range or a number.
  void read_ports() {
    auto& ports = options_.ports;
    for (std::size_t i = 1; i < operands_.size(); ++i) {
      const auto& word = operands_[i];
      const bool has_digit = !word.empty() && std::isdigit(static_cast<unsigned char>(word.front())) != 0;
      const auto dash = has_digit ? word.find('-') : std::string::npos;
      if (!has_digit || dash != std::string::npos)  // a service that is a number: none of ours
        if (const auto service = get_service_by_name(word, options_.protocol())) {
          ports.push_back(service->port);
          continue;
        }
      if (dash == std::string::npos) {
        ports.push_back(port_number(word));
        continue;
      }
      const auto last = port_number(word.substr(dash + 1)), first = port_number(word.substr(0, dash));
      for (unsigned port = std::min(first, last); port <= std::max(first, last); ++port)
        ports.push_back(static_cast<std::uint16_t>(port));
    }
  }

  const std::vector<std::string>& words_;
  NcOptions options_;
  std::vector<std::string> operands_;
  NcProxy::Kind proxy_kind_ = NcProxy::Kind::socks5;
  std::string proxy_;
};

}  // namespace

NcOptions parse_nc(const std::vector<std::string>& words) { return Parser(words).parse(); }

std::span<const NcLetter> nc_letters() { return letters; }

}  // namespace sockx
