// The result of send-file --compare, as a table, as CSV or as events.
#pragma once

#include <string>

#include "cli/context.hpp"
#include "transfer/comparison.hpp"

namespace sockx {

enum class ComparisonFormat { table, csv };

/// "sendfile", "read-write 64Ki": the method, with the chunk size if there are several.
std::string show_name(const Contest& contest, const Contender& contender);

/// Prints the comparison of `file`, a table for each contest; with --json every run is an event, and one more
/// sums each contest up.
void report_comparison(Context& context, const std::string& file, const Comparison& comparison,
                       ComparisonFormat format);

}  // namespace sockx
