// EndKind: the kinds of ends that relay and --forward join, and the words that name them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/context.hpp"
#include "cli/flags.hpp"
#include "cli/time_limits.hpp"
#include "commands/stream/listening.hpp"
#include "commands/stream/proxy_flags.hpp"
#include "commands/stream/proxy_header_flags.hpp"
#include "net/stream/stream_options.hpp"
#include "serve/ends/relay_end.hpp"

namespace sockx {

/// What the ends of a run have in common.
struct EndSetup {
  Context& context;
  StreamOptions stream;  // of each connection
  TimeLimits limits;
  ProgramCall program;  // of `exec`
  std::string port_file;
  bool joins_user_to_terminal = false;  // one end is the standard streams, the other pty+sh
};
using MakeEnd = std::function<std::unique_ptr<RelayEnd>(const EndSetup&)>;

/// Where connections come from.
struct ListenedEnd {
  Endpoint at;
  int backlog = SOMAXCONN;
  SocketFileRights file;
  TlsFlags tls;  // as a server
};

/// A connection that we make.
struct DialedWay {
  Endpoint to;
  TlsFlags tls;
  ProxyFlags proxy = {};  // on the way there
  std::optional<ProxyHeaderVersion> send_proxy = {};
};

/// Which of the two ends a word names. What --forward joins each client to is a second one.
enum class EndPlace { first, second };

/// What a word has come to: one of the first three.
struct ParsedEnd {
  MakeEnd make = {};
  std::optional<ListenedEnd> listened = {};
  std::optional<DialedWay> dialed = {};
  bool uses_standard_streams = false, runs_given_program = false, is_emptied = false;
  bool has_terminal_program = false, has_link = false;
};

/// A row of the table.
struct EndKind {
  std::string_view prefix;  // of the word, with its colon; or the whole word
  std::string_view form;    // "listen:ENDPOINT", for --help
  std::string_view help;
  /// `rest` is the word without the prefix. Throws BadInput that quotes the wrong part.
  ParsedEnd (*parse)(const std::string& rest, EndPlace place);
};

/// The last row is that of an endpoint, which has no prefix.
std::span<const EndKind> end_kinds();

/// Reads a word. Throws BadInput that quotes it, and says what would be right.
ParsedEnd parse_end(const std::string& word, EndPlace place);

/// Has the connection of an end made by proxies. An https proxy takes its options of TLS from `tls`. Throws
/// BadInput for an end that no proxy leads to.
void go_by_proxies(ParsedEnd& end, const std::string& word, const ProxyFlags& proxy, TlsFlags tls);
/// The end itself; one that listens does so for one connection. Throws as make_tls().
std::unique_ptr<RelayEnd> make_end(const ParsedEnd& end, const EndSetup& setup);

/// For the second end of a server: throws BadInput for one that only a single client can have.
void check_end_of_many(const ParsedEnd& end, const std::string& word);

/// "tls:ENDPOINT" for "tls", and so on; empty for a word that is no prefix.
std::string form_of_end(const std::string& word);
/// Whether a word is one of the other ends than an endpoint.
bool has_prefix_of_end(const std::string& word);

/// Takes the options of an end from behind its word, ",NAME=VALUE" for each NAME in `options`, there with
/// dashes before it. A comma that no such name follows is part of what is before it. Returns the word that is
/// left. Throws BadInput.
std::string take_end_options(const std::string& words, Flags& options);

/// Throws BadInput for a comma in what take_end_options() has left, with the options that there are.
void refuse_unknown_options(const std::string& left, const Flags& options);

/// A server that listens once, for `listened`. Throws as make_tls().
ListeningOptions listening_options(const EndSetup& setup, const ListenedEnd& listened);

// The rows, each in a file of its own.
ParsedEnd parse_standard_end(const std::string& rest, EndPlace place);
ParsedEnd parse_dialed_end(const std::string& rest, EndPlace place);
ParsedEnd parse_tls_end(const std::string& rest, EndPlace place);
/// The same with options that have been given elsewhere. Those of the word go before them.
ParsedEnd parse_tls_end(const std::string& rest, EndPlace place, TlsFlags tls);
ParsedEnd parse_listened_end(const std::string& rest, EndPlace place);
ParsedEnd parse_shell_end(const std::string& rest, EndPlace place);
ParsedEnd parse_exec_end(const std::string& rest, EndPlace place);
ParsedEnd parse_file_end(const std::string& rest, EndPlace place);
ParsedEnd parse_append_end(const std::string& rest, EndPlace place);
ParsedEnd parse_pty_end(const std::string& rest, EndPlace place);
ParsedEnd parse_linked_pty_end(const std::string& rest, EndPlace place);
ParsedEnd parse_terminal_shell_end(const std::string& rest, EndPlace place);
ParsedEnd parse_serial_end(const std::string& rest, EndPlace place);

}  // namespace sockx
