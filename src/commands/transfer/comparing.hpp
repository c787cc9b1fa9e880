// send-file --compare: its flags, and the run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/flags.hpp"
#include "cli/progress.hpp"
#include "transfer/comparison.hpp"

namespace sockx {

struct ComparisonRequest {
  bool asked = false, csv = false;
  unsigned runs = 5, warmups = 1;
  std::vector<TransferMethod> methods = file_methods();
  std::vector<std::uint64_t> sizes;
  std::vector<std::size_t> chunks;
  std::string plot;  // a file
};

/// The size of one call: 1 byte to 1Gi. Throws BadInput.
std::size_t parse_chunk(const std::string& word);

/// Returns --compare. --count and --chunk must be declared before.
Flag add_compare_flags(Flags& flags, ComparisonRequest& target);

/// Measures and reports. `flags` complete `options`. `limit` is that of the whole run.
ExitCode compare(Context& context, ProgressBoard& board, ComparisonOptions options,
                 const ComparisonRequest& flags, std::optional<Duration> limit);

}  // namespace sockx
