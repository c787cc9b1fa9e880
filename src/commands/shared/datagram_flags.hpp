// The options that udp and raw share.
#pragma once

#include "cli/flags.hpp"
#include "datagram/exchange.hpp"
#include "net/datagram_socket.hpp"

namespace sockx {

/// -4, -6, --numeric, --source, --interface, --opt.
void add_datagram_flags(CLI::App& app, DatagramOptions& options);

/// What becomes of standard input: --framing, --rate, --send-flags.
void add_input_flags(CLI::App& app, ExchangeOptions& options);

/// --expect and --reply-timeout.
void add_expect_flags(CLI::App& app, ExchangeOptions& options);

/// With MSG_PEEK a datagram stays, and would be shown for ever. Throws BadInput.
void check_peeking(const ExchangeOptions& options, std::optional<std::uint64_t> datagrams);

/// --recv-flags.
void add_recv_flags(CLI::App& app, int& flags);

/// Datagrams a second like 200kpps, or bytes a second like 50MiB. Throws BadInput.
Pace parse_pace(const std::string& word);

}  // namespace sockx
