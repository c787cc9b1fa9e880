// The table of socket options: one row each, read by the command line, by dial() and listen_on().
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/option/option_value.hpp"

namespace sockx {

/// One option of getsockopt(2) and setsockopt(2). `help` says what changes for the user.
struct SocketOption {
  enum class Access { read, write, both };
  /// When a stream socket that dials or listens has to set it for it to have its effect.
  enum class Phase {
    before_connection,  // right after socket(2)
    connected,          // once there is a connection, or at the listener, from which connections inherit it
    dialing,            // before connect(2), and only a socket that dials has a use for it
    listening,          // before listen(2), and only a listening socket has a use for it
    none,               // such a socket has no use for it
  };

  std::string_view name;
  int level, number;
  OptionType type;
  Access access;
  Phase phase;
  std::string_view help;

  bool is_readable() const { return access != Access::write; }
  bool is_writable() const { return access != Access::read; }
};

/// The level of options that exist twice: IPPROTO_IP or IPPROTO_IPV6, as the address in the value says.
constexpr int level_of_address = -1;

std::span<const SocketOption> socket_options();

/// "SOL_SOCKET", "IPPROTO_TCP".
std::string level_name(int level);

/// The row of a name, in any case; the prefixes SO_, TCP_, IP_ and so on may be left out where only one row
/// can be meant: of all rows, or of those that a stream socket has a use for. Throws BadInput with the
/// nearest name.
const SocketOption& find_option(const std::string& name, bool for_stream = false);

/// An option with its value, checked against the option's type.
struct OptionSetting {
  const SocketOption* option;
  std::string word;   // as it was typed
  std::string value;  // what follows the name
  std::string bytes;  // the value as setsockopt(2) takes it
  int level;          // the option's, or that of the address in the value

  /// Reads NAME=VALUE, as find_option() reads the name. Throws BadInput, also for an option that cannot be
  /// set.
  static OptionSetting parse(const std::string& word, bool for_stream = false);
};

/// Throws BadInput when sockets of the family have no such option: TCP_ and IP_ options are for the Internet
/// families, IPV6_ options for IPv6.
void check_level(const OptionSetting& setting, int family);

/// Sets it on a socket; throws Error (setsockopt(2)).
void apply(int socket, const OptionSetting& setting);
void set_option(int socket, const std::string& name, const std::string& value);
/// The same for an option that is not required: a failure is ignored.
void try_option(int socket, const std::string& name, const std::string& value);
/// The same for a value that the user has typed: throws BadInput when the kernel refuses it.
void apply_typed(int socket, const OptionSetting& setting);
/// Those of the user's settings that are of this phase.
void apply(int socket, const std::vector<OptionSetting>& settings, SocketOption::Phase phase);

/// The bytes that getsockopt(2) returns when it is offered `size`. Throws Error.
std::string read_option(int socket, const SocketOption& option, std::size_t size);
std::string read_option(int socket, const SocketOption& option);

}  // namespace sockx
