// The filters of a conversation: what --crlf, --line-delay, --hexdump and --tee do to each direction.
#pragma once

#include "cli/report.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "flow/passage.hpp"

namespace sockx {

struct Passages {
  Passage outward, inward;
  std::vector<std::shared_ptr<SideFile>> files = {};  // that are written beside the stream
};

/// Opens the files that are written beside the stream. Throws Error.
Passages make_passages(const ConversationOptions& options, Report& report);
/// Until somebody reads each FIFO among the files. Throws Error.
Task<> wait_for_readers(const Passages& passages);

}  // namespace sockx
