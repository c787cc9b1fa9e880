// The filters of a conversation: what --crlf, --line-delay, --hexdump and --tee do to each direction.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/report.hpp"
#include "commands/conversation/conversation_options.hpp"
#include "flow/processing.hpp"
#include "serve/handler.hpp"

namespace sockx {

struct ProcessingBothWays {
  Processing outward, inward;
  std::vector<std::shared_ptr<SideFile>> files = {};  // that are written beside the stream
};

/// Opens the files that are written beside the stream. Throws Error.
ProcessingBothWays make_processing(const ConversationOptions& options, Report& report);
/// The filters of the clients of a server. A tee or dump whose name is a pattern has a file for each client;
/// another file is shared by all.
class ClientFiltersMaker {
 public:
  /// Opens the files that are shared. Throws Error.
  ClientFiltersMaker(const ConversationOptions& options, Report& report);
  /// For connection `number`. Throws Error.
  ClientFilters make(std::uint64_t number, const Address& peer, const std::string& name);
  /// Filters that only look: --crlf is left out.
  void leave_bytes_as_they_are() { changes_bytes_ = false; }
  /// That each client holds open.
  std::size_t descriptors() const;

  static bool are_given(const ConversationOptions& options);

 private:
  struct Entry {
    std::weak_ptr<SideFile> file = {};
    std::shared_ptr<SideFile> kept = {};
    bool is_begun = false;
  };
  std::shared_ptr<SideFile> open(const std::string& pattern, const std::string& path);

  ConversationOptions options_;
  Report& report_;
  bool changes_bytes_ = true;
  std::map<std::string, Entry> files_;  // but for those of patterns with %n, which no two clients share
};

/// Throws BadInput for names that are no patterns. `in` and `out` are the options for what is received and
/// sent.
void check_client_filters(const ConversationOptions& options, const std::string& in = "--tee-in",
                          const std::string& out = "--tee-out");

/// Waits until each FIFO among the files has a reader. Throws Error.
Task<> wait_for_readers(const ProcessingBothWays& processing);

}  // namespace sockx
