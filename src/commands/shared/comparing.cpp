#include "commands/shared/comparing.hpp"

#include <algorithm>

#include "cli/progress.hpp"
#include "commands/shared/comparison_report.hpp"
#include "os/split_list.hpp"

namespace sockx {

namespace {

/// "a,b,c"; each method once.
std::vector<TransferMethod> parse_methods(const std::string& list) {
  const auto methods = named_methods();
  std::vector<TransferMethod> parsed;
  for (const auto& word : split_list(list)) {
    const auto named = [&](TransferMethod method) { return name_of(method) == word; };
    const auto found = std::find_if(methods.begin(), methods.end(), named);
    if (found == methods.end()) {
      std::vector<std::string> names;
      for (const auto method : methods) names.emplace_back(name_of(method));
      names.back() += ", with commas between";
      throw_bad_choice("--methods", word, names);
    }
    if (std::find(parsed.begin(), parsed.end(), *found) == parsed.end()) parsed.push_back(*found);
  }
  return parsed;
}

Task<> run_comparison(Context& context, ComparisonOptions options, Comparison& result) {
  auto comparing = compare_methods(std::move(options), result);
  auto shown = with_progress(
      context, std::move(comparing), [&] { return result.bytes_so_far; },
      [&] { return result.bytes_expected; });
  co_await std::move(shown);
}

}  // namespace

std::vector<TransferMethod> named_methods() {
  return {TransferMethod::read_write, TransferMethod::sendfile, TransferMethod::splice, TransferMethod::mmap};
}

Flag add_compare_flags(Flags& flags, CompareFlags& target) {
  const auto compare_flag = flags.add_flag(
      "--compare", target.asked,
      "measure the methods against each other; without HOST PORT against a receiver started here");
  const auto take_methods = [&target](const std::string& list) { target.methods = parse_methods(list); };
  flags.add_option_function("--methods", take_methods, "which methods to compare (default: all)")
      .option_text("A,B,...")
      .needs(compare_flag);
  flags.add_option("--runs", target.runs, "measured runs of each method (default: 5)")
      .option_text("N")
      .range(1U, 1000000U)
      .needs(compare_flag);
  flags.add_option("--warmup", target.warmups, "runs of each method before those (default: 1)")
      .option_text("N")
      .range(0U, 1000000U)
      .needs(compare_flag);
  flags.add_flag("--csv", target.csv, "print every run as comma-separated values").needs(compare_flag);
  return compare_flag;
}

ExitCode compare(Context& context, ComparisonOptions options, const CompareFlags& flags,
                 std::optional<Duration> limit) {
  const auto file = options.file;
  options.methods = flags.methods;
  options.runs = flags.runs;
  options.warmups = flags.warmups;
  Comparison result;
  context.run(run_comparison(context, std::move(options), result), limit);
  report_comparison(context, file, result, flags.csv ? ComparisonFormat::csv : ComparisonFormat::table);
  return result.winner() == nullptr ? ExitCode::other_failure : ExitCode::done;
}

}  // namespace sockx
