// NcOptions: a command line of OpenBSD's nc as Debian ships it, nc_openbsd(1).
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace sockx {

/// -x and -X.
struct NcProxy {
  enum class Kind { socks4, socks5, connect };
  Kind kind = Kind::socks5;
  std::string host;
  std::optional<std::string> port;  // as it was typed
};

struct NcOptions {
  std::string name;                        // that messages begin with
  int family = AF_UNSPEC;                  // -4, -6; -U: AF_UNIX
  bool listens = false;                    // -l
  bool keeps_open = false;                 // -k
  bool is_udp = false;                     // -u: datagrams, with -U too
  bool scans = false;                      // -z
  bool reads_input = true;                 // not with -d
  bool shuts_down = false;                 // -N: the end of the input is passed on
  std::optional<int> quit;                 // -q, seconds; not negative
  std::optional<int> timeout;              // -w, seconds
  int interval = 0;                        // -i, seconds
  bool crlf = false;                       // -C
  bool numeric = false;                    // -n
  bool is_random = false;                  // -r
  bool broadcasts = false;                 // -b
  bool debugs = false;                     // -D
  bool passes_fd = false;                  // -F
  int verbosity = 0;                       // -v
  std::optional<int> ttl, least_ttl;       // -M, -m
  std::optional<int> tos;                  // -T
  std::optional<int> receive_buffer;       // -I
  std::optional<int> send_buffer;          // -O
  std::optional<int> most_packets;         // -W
  std::optional<std::string> source;       // -s
  std::optional<std::string> source_port;  // -p
  std::optional<NcProxy> proxy;            // -x, -X
  std::optional<std::string> proxy_user;   // -P
  std::optional<std::string> host;         // or the path of a unix socket
  std::string port;                        // of a listener, a number or a service
  std::vector<std::uint16_t> ports;        // of a client, in the order of the command line

  bool is_unix() const { return family == AF_UNIX; }
  const char* protocol() const { return is_udp ? "udp" : "tcp"; }
  /// Whether the end of the input is passed on at once: -N, and -q, which implies it.
  bool passes_end() const { return shuts_down || quit.has_value(); }
};

/// The command line asks for no run: what nc prints on standard error then, and its status.
class NcEnd : public std::runtime_error {
 public:
  NcEnd(const std::string& lines, int status = 1) : std::runtime_error(lines), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// Reads the words as getopt(3) does; the first one is the name that nc was called by. Throws NcEnd, with the
/// words of nc.
NcOptions parse_nc(const std::vector<std::string>& words);

/// A letter of the command line, for help. `value` is what follows it, or nothing.
struct NcLetter {
  char letter;
  const char *value, *help;
};
std::span<const NcLetter> nc_letters();

}  // namespace sockx
