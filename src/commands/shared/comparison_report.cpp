#include "commands/shared/comparison_report.hpp"

#include <algorithm>
#include <cmath>

#include "cli/units.hpp"

namespace sockx {

namespace {

constexpr int bar_width = 30;

/// "64Ki", or "max" for what the method can at most.
std::string show_chunk(std::size_t chunk) {
  if (chunk == 0) return "max";
  if (chunk % (1024 * 1024) == 0) return text("{}Mi", chunk / (1024 * 1024));
  return chunk % 1024 == 0 ? text("{}Ki", chunk / 1024) : text("{}", chunk);
}

std::string show_name(const Contender& contender) {
  const bool sized = contender.method == TransferMethod::read_write;
  return text("{}{}{}", name_of(contender.method), sized ? " " : "",
              sized ? show_chunk(contender.chunk) : "");
}

std::string show_rates(const Contender& contender) {
  return show_rate_range(contender.median_rate(), contender.slowest(), contender.fastest());
}

double switches(const ComparisonRun& run) {
  return static_cast<double>(run.usage.voluntary_switches + run.usage.involuntary_switches);
}

double median_cpu(const Contender& contender) {
  return contender.median([](const ComparisonRun& run) { return run.cpu_per_gib(); });
}

std::string row(const Contender& contender, const Contender* read_write) {
  const auto name = name_of(contender.method);
  if (!contender.ran()) return text("{:<11} {:>6}  {}", name, show_chunk(contender.chunk), contender.refused);
  const auto calls = contender.median([](const auto& run) { return static_cast<double>(run.system_calls); });
  const auto ratio =
      read_write == nullptr ? "-" : text("{:.2f}", contender.median_rate() / read_write->median_rate());
  return text("{:<11} {:>6}  {:<22} {:>9.3f} {:>8.0f} {:>8.0f} {:>6} {:>8}", name,
              show_chunk(contender.chunk), show_rates(contender), median_cpu(contender), calls,
              contender.median(switches), copies_by_design(contender.method), ratio);
}

std::string bars(const Comparison& comparison) {
  std::string drawn;
  const double most = comparison.winner()->median_rate();
  for (const auto& contender : comparison.contenders) {
    if (!contender.ran()) continue;
    const auto length = static_cast<std::size_t>(std::lround(contender.median_rate() / most * bar_width));
    drawn += text("{:<18} {:<30} {}\n", show_name(contender), std::string(length, '#'),
                  show_rate(contender.median_rate()));
  }
  return drawn;
}

std::string under_system_congestion(const Comparison& comparison) {
  const auto& again = comparison.under_system_congestion;
  if (again.empty() || !again.front().ran()) return "";
  auto line = text("Under the system's own congestion control, {}: {} {}", comparison.system_congestion,
                   show_name(again.front()), show_rates(again.front()));
  if (again.size() > 1 && again.back().ran())
    line += text(", {} {}, ratio {:.2f}", show_name(again.back()), show_rates(again.back()),
                 again.front().median_rate() / again.back().median_rate());
  return line + '\n';
}

/// Who won by how much, or that nobody can say.
std::string verdict(const Comparison& comparison) {
  const auto* const winner = comparison.winner();
  const auto* const read_write = comparison.best_read_write();
  std::string rivals;
  for (const auto& contender : comparison.contenders)
    if (&contender != winner && contender.ran() && within_noise(*winner, contender))
      rivals += (rivals.empty() ? "" : ", ") + show_name(contender);
  if (read_write == nullptr || read_write == winner) {
    if (!rivals.empty())
      return text("{} was fastest, but the difference to {} is within the noise.", show_name(*winner),
                  rivals);
    return text("{} was fastest.", show_name(*winner));
  }
  if (within_noise(*winner, *read_write))
    return text("The difference between {} and {} is within the noise.", show_name(*winner),
                show_name(*read_write));
  auto sentence = text("{} won: {:.2f} times the throughput of {}, with {:.2f} of its CPU time",
                       show_name(*winner), winner->median_rate() / read_write->median_rate(),
                       show_name(*read_write), median_cpu(*winner) / median_cpu(*read_write));
  if (!rivals.empty()) sentence += text("; its difference to {} is within the noise", rivals);
  return sentence + '.';
}

std::string table(const std::string& file, const Comparison& comparison) {
  std::size_t runs = 0;
  for (const auto& contender : comparison.contenders) runs = std::max(runs, contender.runs.size());
  auto page =
      text("{}, {}, to {}{}; {} interleaved runs each, medians (slowest-fastest)\n\n", file,
           show_size(comparison.file_size), comparison.peer,
           comparison.congestion.empty() ? "" : ", congestion control " + comparison.congestion, runs);
  page += text("{:<11} {:>6}  {:<22} {:>9} {:>8} {:>8} {:>6} {:>8}\n", "method", "chunk", "throughput",
               "CPU s/GiB", "calls", "switches", "copies", "ratio");
  for (const auto& contender : comparison.contenders)
    page += row(contender, comparison.best_read_write()) + '\n';
  page +=
      "CPU time, system calls and context switches are the sender's; copies are by design, the two by DMA\n"
      "included; ratio is to the better read-write.\n\n";
  if (comparison.winner() == nullptr) return page + "No method could run.";
  return page + bars(comparison) + '\n' + under_system_congestion(comparison) + verdict(comparison);
}

std::vector<Field> fields_of(const Contender& contender, const ComparisonRun& run, std::size_t number,
                             const std::string& congestion) {
  return {{"method", std::string(name_of(contender.method))},
          {"chunk", contender.chunk},
          {"run", number},
          {"congestion", congestion},
          {"bytes", run.bytes},
          {"seconds", run.seconds},
          {"bytes_per_second", run.rate()},
          {"user_seconds", run.usage.user},
          {"system_seconds", run.usage.system},
          {"system_calls", run.system_calls},
          {"voluntary_switches", run.usage.voluntary_switches},
          {"involuntary_switches", run.usage.involuntary_switches}};
}

/// Calls `visit` with the fields of every run.
template <class Visit>
void for_each_run(const Comparison& comparison, Visit visit) {
  const auto visit_all = [&](const std::vector<Contender>& contenders, const std::string& congestion) {
    for (const auto& contender : contenders)
      for (std::size_t i = 0; i < contender.runs.size(); ++i)
        visit(fields_of(contender, contender.runs[i], i + 1, congestion));
  };
  visit_all(comparison.contenders, comparison.congestion);
  visit_all(comparison.under_system_congestion, comparison.system_congestion);
}

std::string csv(const Comparison& comparison) {
  std::string page;
  const auto add_line = [&](const std::vector<Field>& fields, auto show) {
    for (std::size_t i = 0; i < fields.size(); ++i) page += (i == 0 ? "" : ",") + show(fields[i]);
    page += '\n';
  };
  for_each_run(comparison, [&](const std::vector<Field>& fields) {
    if (page.empty()) add_line(fields, [](const Field& field) { return field.name; });
    add_line(fields, [](const Field& field) { return plain_text(field.value); });
  });
  if (!page.empty()) page.pop_back();  // the report ends the line
  return page;
}

}  // namespace

void report_comparison(Context& context, const std::string& file, const Comparison& comparison,
                       ComparisonFormat format) {
  for_each_run(comparison, [&](const std::vector<Field>& fields) { context.report.event("run", fields); });
  for (const auto& contender : comparison.contenders)
    if (!contender.ran())
      context.report.event(
          "refused", {{"method", std::string(name_of(contender.method))}, {"reason", contender.refused}});
  const auto* const winner = comparison.winner();
  context.report.result(format == ComparisonFormat::csv ? csv(comparison) : table(file, comparison),
                        "comparison",
                        {{"file", file},
                         {"bytes", comparison.file_size},
                         {"peer", comparison.peer},
                         {"congestion", comparison.congestion},
                         {"winner", winner ? std::string(name_of(winner->method)) : ""},
                         {"verdict", winner ? verdict(comparison) : "no method could run"}});
}

}  // namespace sockx
