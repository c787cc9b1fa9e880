// The table of socket options: one row each, read by the command line, by dial() and listen_on().
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// One option of setsockopt(2). `help` says what changes for the user.
struct SocketOption {
  enum class Type { integer, boolean, text };
  /// When it has to be set to have its effect: right after socket(2), or whenever there is a connection.
  enum class Phase { before_connection, connected };

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
  std::string value;

  /// Reads NAME=VALUE; the prefixes SO_, TCP_, IP_ and IPV6_ may be left out and case is ignored. Throws
  /// BadInput with the nearest name.
  static OptionSetting parse(const std::string& word);
};

/// Sets it on a socket; throws Error (setsockopt(2)).
void apply(int socket, const OptionSetting& setting);
void set_option(int socket, const std::string& name, const std::string& value);
void apply(int socket, const std::vector<OptionSetting>& settings, SocketOption::Phase phase);

}  // namespace sockx
