// The options that udp and raw share.
#pragma once

#include "cli/flags.hpp"
#include "datagram/exchange.hpp"
#include "net/datagram/datagram_socket.hpp"

namespace sockx {

/// What becomes of standard input: --framing, --rate, --send-flags.
void add_input_flags(Flags& flags, ExchangeOptions& options);

/// --expect and --reply-timeout.
void add_expect_flags(Flags& flags, ExchangeOptions& options);

/// With MSG_PEEK a datagram stays, and would be shown for ever if the number received has no bound. Throws
/// BadInput.
void check_peeking(const ExchangeOptions& options, bool is_bounded);

/// --recv-flags.
void add_recv_flags(Flags& flags, int& target);

}  // namespace sockx
