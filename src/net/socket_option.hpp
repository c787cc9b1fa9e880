// The table of socket options: one row each, read by the command line, by dial() and listen_on().
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// One option of setsockopt(2). `help` says what changes for the user.
struct SocketOption {
  enum class Type {
    integer,
    boolean,
    text,
    linger,   // "on,SECONDS" or "off"
    timeval,  // a duration
  };
  /// When it has to be set to have its effect.
  enum class Phase {
    before_connection,  // right after socket(2)
    connected,          // once there is a connection, or at the listener, from which connections inherit it
    dialing,            // before connect(2), and only a socket that dials has a use for it
    listening,          // before listen(2), and only a listening socket has a use for it
  };

  std::string_view name;
  int level, number;
  Type type;
  Phase phase;
  std::string_view help;
};

std::span<const SocketOption> socket_options();

/// An option with its value, checked against the option's type.
struct OptionSetting {
  const SocketOption* option;
  std::string word;   // as it was typed
  std::string value;  // what follows the name
  std::string bytes;  // the value as setsockopt(2) takes it

  /// Reads NAME=VALUE; the prefixes SO_, TCP_, IP_ and IPV6_ may be left out and case is ignored. Throws
  /// BadInput with the nearest name.
  static OptionSetting parse(const std::string& word);
};

/// Throws BadInput when sockets of the family have no such option: TCP_ and IP_ options are for the Internet
/// families, IPV6_ options for IPv6.
void check_level(const OptionSetting& setting, int family);

/// Sets it on a socket; throws Error (setsockopt(2)).
void apply(int socket, const OptionSetting& setting);
void set_option(int socket, const std::string& name, const std::string& value);
/// Those of the user's settings that are of this phase; throws BadInput for a value that the kernel refuses.
void apply(int socket, const std::vector<OptionSetting>& settings, SocketOption::Phase phase);

}  // namespace sockx
