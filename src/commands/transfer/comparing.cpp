#include "commands/transfer/comparing.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/words.hpp"
#include "cli/progress.hpp"
#include "commands/transfer/comparison_plot.hpp"
#include "commands/transfer/comparison_report.hpp"

namespace sockx {

namespace {

/// The values of "a,b,c", each once.
template <class Parse>
auto parse_list(const std::string& list, Parse parse) {
  std::vector<decltype(parse(list))> values;
  for (const auto& word : split_list(list)) {
    const auto value = parse(word);
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  return values;
}

TransferMethod parse_method(const std::string& word) {
  const auto methods = file_methods();
  std::vector<std::string> names;
  for (const auto method : methods) {
    if (name_of(method) == word) return method;
    names.emplace_back(name_of(method));
  }
  names.back() += ", with commas between";
  throw_bad_choice(word, names);
}

std::uint64_t parse_file_size(const std::string& word) {
  const auto size = parse_size(word);
  if (size == 0) throw BadInput("'0': say at least 1 byte");
  return size;
}

Task<> run_comparison(ProgressBoard& board, ComparisonOptions options, Comparison& result) {
  const Progress shown(board, [&result, file = options.file] {
    return ProgressState{Phase::sending, result.peer, file, result.bytes_so_far, result.bytes_expected};
  });
  auto comparing = compare_methods(std::move(options), result);
  co_await std::move(comparing);
}

}  // namespace

std::size_t parse_chunk(const std::string& word) {
  constexpr std::uint64_t largest = 1024 * 1024 * 1024;
  const auto size = parse_size(word);
  if (size == 0 || size > largest) throw BadInput(text("'{}': say 1 byte to 1Gi", word));
  return static_cast<std::size_t>(size);
}

Flag add_compare_flags(Flags& flags, ComparisonRequest& target) {
  const auto compare_flag = flags.add_flag(
      "--compare", target.asked,
      "measure and compare the methods; without HOST PORT, with a receiver that is started on this machine");
  const auto take_methods = [&target](const std::string& list) {
    target.methods = parse_list(list, parse_method);
  };
  std::vector<std::string> methods;
  for (const auto method : file_methods()) methods.emplace_back(name_of(method));
  flags
      .add_value("--methods", "A,B,...", take_methods, "which methods to compare (default: all)",
                 ValueKind::list)
      .choices(std::move(methods))
      .needs(compare_flag);
  flags.add_number("--runs", target.runs, 1U, 1000000U, "measured runs of each method (default: 5)")
      .needs(compare_flag);
  flags
      .add_number("--warmup", target.warmups, 0U, 1000000U,
                  "unmeasured runs of each method, before the measured ones (default: 1)")
      .needs(compare_flag);
  const auto take_sizes = [&target](const std::string& list) {
    target.sizes = parse_list(list, parse_file_size);
  };
  flags
      .add_value("--sizes", "SIZE,...", take_sizes,
                 "compare with the first SIZE bytes of FILE, for each SIZE", ValueKind::text)
      .needs(compare_flag)
      .excludes("--count");
  const auto take_chunks = [&target](const std::string& list) {
    target.chunks = parse_list(list, parse_chunk);
  };
  flags
      .add_value("--chunks", "SIZE,...", take_chunks, "compare the methods with each of these sizes per call",
                 ValueKind::text)
      .needs(compare_flag)
      .excludes("--chunk");
  flags.add_flag("--csv", target.csv, "print every run as comma-separated values").needs(compare_flag);
  flags.add_file("--plot", target.plot, "draw throughput and CPU time into an SVG file, with gnuplot")
      .needs(compare_flag);
  return compare_flag;
}

ExitCode compare(Context& context, ProgressBoard& board, ComparisonOptions options,
                 const ComparisonRequest& flags, std::optional<Duration> limit) {
  std::optional<ComparisonPlot> plot;
  if (!flags.plot.empty()) plot.emplace(flags.plot);
  const auto file = options.file;
  options.methods = flags.methods;
  options.sizes = flags.sizes;
  if (!flags.chunks.empty()) options.chunks = flags.chunks;
  options.runs = flags.runs;
  options.warmups = flags.warmups;
  Comparison result;
  board.run(run_comparison(board, std::move(options), result), limit);
  report_comparison(context, file, result, flags.csv ? ComparisonFormat::csv : ComparisonFormat::table);
  const bool any_ran = std::any_of(result.contests.begin(), result.contests.end(),
                                   [](const Contest& contest) { return contest.fastest() != nullptr; });
  if (!any_ran) return ExitCode::other_failure;
  if (plot) plot->draw(context, file, result);
  return ExitCode::done;
}

}  // namespace sockx
