#include "commands/datagram/datagram_flags.hpp"

#include <sys/socket.h>

#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "cli/flag_groups.hpp"

namespace sockx {

void add_input_flags(Flags& flags, ExchangeOptions& options) {
  flags
      .add_value(
          "--framing", "line|size=N|len32|all",
          [&](const std::string& word) { options.framing = parse_framing(word); },
          "how the input is divided into datagrams (default: line; size=1400 for a regular file)",
          ValueKind::choice)
      .choices(framing_words());
  flags.add_value(
      "--rate", "Npps|SIZE", [&](const std::string& word) { options.rate = parse_datagram_rate(word); },
      "send at most this many datagrams or bytes a second, evenly", ValueKind::text);
  add_message_flags(flags, "--send-flags", options.send_flags, send_flags(), "flags of each call that sends");
}

void add_expect_flags(Flags& flags, ExchangeOptions& options) {
  flags.add_count("--expect", options.expected,
                  "succeed once N replies have arrived, and the input has ended");
  flags.add_duration("--reply-timeout", options.reply_timeout,
                     "wait at most DURATION after the last datagram (default: 1s; no limit on a terminal)");
}

void check_peeking(const ExchangeOptions& options, bool is_bounded) {
  if ((options.recv_flags & MSG_PEEK) != 0 && !is_bounded)
    throw BadInput(
        "--recv-flags: with peek a datagram stays and would be shown for ever: say how many, "
        "--expect N, or with --listen --datagrams N");
}

void add_recv_flags(Flags& flags, int& target) {
  add_message_flags(flags, "--recv-flags", target, recv_flags(), "flags of every call that receives");
}

}  // namespace sockx
