// The filters of a conversation: what --crlf, --line-delay, --hexdump and --tee do to each direction.
#pragma once

#include "cli/report.hpp"
#include "commands/shared/conversation_options.hpp"
#include "flow/passage.hpp"

namespace sockx {

struct Passages {
  Passage outward, inward;
};

/// Opens the files that are written beside the stream. `input_is_file` decides the default framing. Throws
/// Error.
Passages make_passages(const ConversationOptions& options, bool input_is_file, Report& report);

}  // namespace sockx
