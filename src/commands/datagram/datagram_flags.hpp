// The options that udp and raw share.
#pragma once

#include "cli/flags.hpp"
#include "datagram/exchange.hpp"
#include "net/datagram/datagram_socket.hpp"

namespace sockx {

/// How standard input is sent: --framing, --rate, --send-flags.
void add_input_flags(Flags& flags, ExchangeOptions& options);

/// --expect and --reply-timeout.
void add_expect_flags(Flags& flags, ExchangeOptions& options);

/// Throws BadInput for MSG_PEEK without a limit on the number of datagrams: the same one would be shown for
/// ever.
void check_peeking(const ExchangeOptions& options, bool is_bounded);

/// --recv-flags.
void add_recv_flags(Flags& flags, int& target);

}  // namespace sockx
