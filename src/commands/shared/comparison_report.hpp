// The result of send-file --compare, as a table, as CSV or as events.
#pragma once

#include <string>

#include "cli/context.hpp"
#include "transfer/comparison.hpp"

namespace sockx {

enum class ComparisonFormat { table, csv };

/// Prints the comparison of `file`; with --json every run is an event and one more sums them up.
void report_comparison(Context& context, const std::string& file, const Comparison& comparison,
                       ComparisonFormat format);

}  // namespace sockx
