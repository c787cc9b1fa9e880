// The filters of a conversation: what --crlf, --line-delay, --hexdump and --tee do to each direction.
#pragma once

#include "cli/report.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "flow/processing.hpp"

namespace sockx {

struct ProcessingBothWays {
  Processing outward, inward;
  std::vector<std::shared_ptr<SideFile>> files = {};  // that are written beside the stream
};

/// Opens the files that are written beside the stream. Throws Error.
ProcessingBothWays make_processing(const ConversationOptions& options, Report& report);
/// Waits until each FIFO among the files has a reader. Throws Error.
Task<> wait_for_readers(const ProcessingBothWays& processing);

}  // namespace sockx
