// ComparisonPlot: the chart of a comparison, drawn by gnuplot.
#pragma once

#include <string>

#include "cli/context.hpp"
#include "os/new_file.hpp"
#include "transfer/comparison.hpp"

namespace sockx {

/// An SVG file, which gets its name when it is complete.
class ComparisonPlot {
 public:
  /// To be made before the measurement: throws when gnuplot is missing or the file cannot be written.
  explicit ComparisonPlot(const std::string& path);

  /// Throughput beside CPU time for each GiB: bars by method, or lines over the size, or the chunk, where
  /// there are several. `title` stands above.
  void draw(Context& context, const std::string& title, const Comparison& comparison);

 private:
  NewFile file_;
};

}  // namespace sockx
