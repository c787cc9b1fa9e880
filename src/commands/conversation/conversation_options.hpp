// The options of a conversation, which connect and listen share.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/time_limits.hpp"
#include "flow/framing.hpp"
#include "flow/relay.hpp"
#include "net/stream/stream_options.hpp"
#include "serve/program.hpp"

namespace sockx {

class Flag;
class Flags;

struct ConversationOptions {
  // When it ends.
  std::optional<Until> until;  // by default both, or peer when standard input is a terminal
  bool no_shutdown = false;
  std::optional<Duration> eof_timeout;
  std::optional<std::uint64_t> max_bytes;  // received
  TimeLimits limits;

  // The directions, and the local end.
  bool send_only = false, recv_only = false;
  std::optional<int> shutdown;  // SHUT_RD, SHUT_WR, SHUT_RDWR
  std::vector<std::string> lines;
  std::string pass_to;  // --pass-fd: an endpoint, or "-" for standard output
  ProgramCall program;  // instead of the standard streams

  // What happens to the bytes on their way.
  bool crlf = false;
  std::optional<Duration> line_delay;
  std::string hexdump;  // a file, or "-" for standard error
  std::string tee_in, tee_out;
  std::optional<std::uint64_t> rate;  // bytes a second, in each direction

  // Records and single calls.
  std::optional<Framing> framing;
  std::optional<std::uint64_t> max_record;
  std::optional<std::uint64_t> recv_once;
  int recv_flags = 0, send_flags = 0;  // MSG_ of recv(2) and send(2)

  /// Whether --shutdown shuts this half: SHUT_RD or SHUT_WR.
  bool shuts(int half) const { return shutdown == half || shutdown == SHUT_RDWR; }
};

/// Declares all of them, and --type of the stream, and returns them.
std::vector<Flag> add_conversation_flags(Flags& flags, ConversationOptions& options, StreamOptions& stream);

/// Excludes `other` together with each of `options`, which it would ignore, except for the names in `but`.
void exclude_each(const std::vector<Flag>& options, Flag other,
                  const std::vector<std::string>& but = {"--deadline", "--type"});

}  // namespace sockx
