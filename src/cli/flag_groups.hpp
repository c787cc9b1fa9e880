// Groups of options that several subcommands share.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/flags.hpp"
#include "flow/framing.hpp"
#include "net/stream/stream_options.hpp"
#include "os/message_flags.hpp"

namespace sockx {

/// -4, -6, --numeric, --source, --interface, --opt. For `for_stream` see find_option().
void add_network_flags(Flags& flags, NetworkOptions& options, bool for_stream);

/// Those, --mptcp and --congestion.
void add_stream_flags(Flags& flags, StreamOptions& options);

/// line, size=N, len32 or all. Throws BadInput.
Framing parse_framing(const std::string& word);
/// What a shell offers for it.
inline std::vector<std::string> framing_words() { return {"line", "size=", "len32", "all"}; }

/// An option whose value is a list of MSG_ flags.
void add_message_flags(Flags& flags, const std::string& name, int& target, std::span<const MessageFlag> known,
                       const std::string& help);

}  // namespace sockx
