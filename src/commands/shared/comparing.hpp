// send-file --compare: its flags, and the run.
#pragma once

#include <optional>
#include <vector>

#include "cli/context.hpp"
#include "cli/flags.hpp"
#include "transfer/comparison.hpp"

namespace sockx {

/// The methods that --method and --methods name, but for auto.
std::vector<TransferMethod> named_methods();

struct CompareFlags {
  bool asked = false, csv = false;
  unsigned runs = 5, warmups = 1;
  std::vector<TransferMethod> methods = named_methods();
};

/// Returns --compare itself.
Flag add_compare_flags(Flags& flags, CompareFlags& target);

/// Measures and reports; `options` say everything but what the flags do. `limit` is that of the whole run.
ExitCode compare(Context& context, ComparisonOptions options, const CompareFlags& flags,
                 std::optional<Duration> limit);

}  // namespace sockx
