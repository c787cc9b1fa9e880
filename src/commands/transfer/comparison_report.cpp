#include "commands/transfer/comparison_report.hpp"

#include <algorithm>

#include "cli/units.hpp"
#include "commands/transfer/transfer_summary.hpp"

namespace sockx {

namespace {

constexpr int bar_width = 30;

/// "64Ki", or "max" for what the method can at most.
std::string show_chunk(std::size_t chunk) {
  if (chunk == 0) return "max";
  if (chunk % (1024 * 1024 * 1024) == 0) return text("{}Gi", chunk / (1024 * 1024 * 1024));
  if (chunk % (1024 * 1024) == 0) return text("{}Mi", chunk / (1024 * 1024));
  return chunk % 1024 == 0 ? text("{}Ki", chunk / 1024) : text("{}", chunk);
}

std::string show_rates(const Contender& contender) {
  return show_rate_range(contender.median_rate(), contender.slowest(), contender.fastest());
}

/// The sender's median and, where it is known, the receiver's: "0.101+0.158".
template <class Of>
std::string show_both(const Contender& contender, int digits, Of of) {
  const auto sender = contender.median([&](const ComparisonRun& run) { return of(run, run.sender); });
  if (!contender.runs.front().receiver) return text("{:.{}f}", sender, digits);
  const auto receiver = contender.median([&](const ComparisonRun& run) { return of(run, *run.receiver); });
  return text("{:.{}f}+{:.{}f}", sender, digits, receiver, digits);
}

std::string show_copies(const Contender& contender) {
  return text("{:.{}f}", contender.copies(), contender.has_measured_copies() ? 2 : 0);
}

constexpr auto row_format = "{:<11} {:>6}  {:<24} {:>11} {:>13} {:>12} {:>6} {:>6}\n";

std::string row(const Contender& contender, const Contender* read_write) {
  const auto name = name_of(contender.method);
  if (!contender.ran())
    return text("{:<11} {:>6}  {}\n", name, show_chunk(contender.chunk), contender.refused);
  const auto cpu = [](const ComparisonRun& run, const Cost& cost) { return run.cpu_per_gib(cost); };
  const auto calls = [](const ComparisonRun&, const Cost& cost) {
    return static_cast<double>(cost.system_calls);
  };
  const auto switches = [](const ComparisonRun&, const Cost& cost) {
    return static_cast<double>(cost.switches());
  };
  const auto ratio =
      read_write == nullptr ? "-" : text("{:.2f}", contender.median_rate() / read_write->median_rate());
  return text(row_format, name, show_chunk(contender.chunk), show_rates(contender),
              show_both(contender, 3, cpu), show_both(contender, 0, calls), show_both(contender, 0, switches),
              show_copies(contender), ratio);
}

std::string bars(const Contest& contest) {
  std::string drawn;
  const double most = contest.fastest()->median_rate();
  for (const auto& contender : contest.contenders) {
    if (!contender.ran()) continue;
    const auto half_marks = static_cast<std::size_t>(contender.median_rate() / most * bar_width * 2);
    const auto length = (half_marks + 1) / 2;
    drawn += text("{:<18} {:<30} {}\n", show_name(contest, contender), std::string(length, '#'),
                  show_rate(contender.median_rate()));
  }
  return drawn;
}

std::string under_system_congestion(const Comparison& comparison, const Contest& contest) {
  const auto& again = contest.under_system_congestion;
  if (again.empty() || !again.front().ran()) return "";
  const auto show = [&](const Contender& contender) {
    return text("{} {}", show_name(contest, contender), show_rates(contender));
  };
  auto line = text("Under the system's own congestion control, {}: {}", comparison.system_congestion,
                   show(again.front()));
  if (again.size() > 1 && again.back().ran())
    line += text(", {}, ratio {:.2f}", show(again.back()),
                 again.front().median_rate() / again.back().median_rate());
  return line + '\n';
}

std::vector<std::string> names_of(const Contest& contest, const std::vector<const Contender*>& contenders) {
  std::vector<std::string> names;
  names.reserve(contenders.size());
  for (const auto* const contender : contenders) names.push_back(show_name(contest, *contender));
  return names;
}

/// "a, b and c".
std::string listed(const Contest& contest, const std::vector<const Contender*>& contenders) {
  return joined(names_of(contest, contenders), ", ", " and ");
}

/// "2.31", or "2.31 to 3.02" where the contenders differ.
std::string show_range(const std::vector<const Contender*>& contenders,
                       const std::function<double(const Contender&)>& of) {
  std::vector<double> values;
  values.reserve(contenders.size());
  for (const auto* const contender : contenders) values.push_back(of(*contender));
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  const auto from = text("{:.2f}", *least), to = text("{:.2f}", *greatest);
  return from == to ? from : text("{} to {}", from, to);
}

/// Which method won by how much, or that it is within the noise.
std::string verdict(const Contest& contest) {
  const auto* const winner = contest.winner();
  const auto* const read_write = contest.best_read_write();
  if (contest.fastest() == nullptr) return "No method could run.";
  const auto leaders = contest.leaders();
  const auto names = listed(contest, leaders);
  if (winner != nullptr && (read_write == nullptr || winner == read_write))
    return text("{} was fastest.", show_name(contest, *winner));
  if (read_write == nullptr) return text("Which of {} is fastest is within the noise.", names);
  if (leaders.empty()) return "No method is faster than read-write beyond the noise.";
  const auto rate = [&](const Contender& leader) { return leader.median_rate() / read_write->median_rate(); };
  const auto cpu = [&](const Contender& leader) { return leader.median_cpu() / read_write->median_cpu(); };
  const auto who = winner != nullptr ? std::vector{winner} : leaders;
  auto sentence =
      text("{} {} read-write: {} times the throughput and {} of the CPU time that it had with {} a call",
           listed(contest, who), who.size() == 1 ? "beats" : "beat", show_range(who, rate),
           show_range(who, cpu), show_chunk(read_write->chunk));
  if (winner != nullptr && leaders.size() > 1) {
    auto others = leaders;
    std::erase(others, winner);
    sentence += text("; so {} {}, by {} times", others.size() == 1 ? "does" : "do", listed(contest, others),
                     show_range(others, rate));
  }
  if (who.size() > 1) sentence += "; which of them is fastest is within the noise";
  return sentence + '.';
}

std::string table(const std::string& file, const Comparison& comparison, const Contest& contest) {
  std::size_t runs = 0;
  for (const auto& contender : contest.contenders) runs = std::max(runs, contender.runs.size());
  auto page = text("{}, {}, to {}{}; {} each, medians (slowest-fastest)\n\n", file, show_size(contest.size),
                   comparison.peer,
                   comparison.congestion.empty() ? "" : ", congestion control " + comparison.congestion,
                   runs == 1 ? "1 run" : text("{} interleaved runs", runs));
  page +=
      text(row_format, "method", "chunk", "throughput", "CPU s/GiB", "calls", "switches", "copies", "ratio");
  for (const auto& contender : contest.contenders) page += row(contender, contest.best_read_write());
  page +=
      "CPU time, system calls and context switches: of the sender + of the receiver. Copies: by design, or "
      "as the\nkernel reports them, including the two by DMA. Ratio: to the faster of the read-write "
      "rows.\n\n";
  if (contest.fastest() != nullptr)
    page += bars(contest) + '\n' + under_system_congestion(comparison, contest);
  return page + verdict(contest);
}

std::vector<Field> fields_of(const Contender& contender, const ComparisonRun& run, std::size_t number,
                             const std::string& congestion) {
  std::vector<Field> fields{{"method", std::string(name_of(contender.method))},
                            {"chunk", contender.chunk},
                            {"run", number},
                            {"congestion", congestion},
                            {"bytes", run.bytes},
                            {"seconds", run.seconds},
                            {"bytes_per_second", run.rate()},
                            {"copied_bytes", run.copied}};
  for (auto& field : cost_fields(run.sender)) fields.push_back(std::move(field));
  for (auto& field : cost_fields(run.receiver, "receiver_")) fields.push_back(std::move(field));
  return fields;
}

/// Calls `visit` with the fields of every run.
template <class Visit>
void for_each_run(const Comparison& comparison, const Contest& contest, Visit visit) {
  const auto visit_all = [&](const std::vector<Contender>& contenders, const std::string& congestion) {
    for (const auto& contender : contenders)
      for (std::size_t i = 0; i < contender.runs.size(); ++i)
        visit(fields_of(contender, contender.runs[i], i + 1, congestion));
  };
  visit_all(contest.contenders, comparison.congestion);
  visit_all(contest.under_system_congestion, comparison.system_congestion);
}

std::string csv_line(const std::vector<Field>& fields, const std::function<std::string(const Field&)>& show) {
  return joined(fields, ",", show) + '\n';
}

std::string csv(const Comparison& comparison, const Contest& contest) {
  std::string page;
  for_each_run(comparison, contest, [&](const std::vector<Field>& fields) {
    if (page.empty() && &contest == &comparison.contests.front())
      page = csv_line(fields, [](const Field& field) { return field.name; });
    page += csv_line(fields, [](const Field& field) { return plain_text(field.value); });
  });
  if (!page.empty()) page.pop_back();  // the report ends the line
  return page;
}

void report_contest(Context& context, const std::string& file, const Comparison& comparison,
                    const Contest& contest, ComparisonFormat format) {
  for_each_run(comparison, contest,
               [&](const std::vector<Field>& fields) { context.report.record("run", fields); });
  for (const auto& contender : contest.contenders)
    if (!contender.ran())
      context.report.record("refused", {{"method", std::string(name_of(contender.method))},
                                        {"chunk", contender.chunk},
                                        {"bytes", contest.size},
                                        {"reason", contender.refused}});
  const auto* const winner = contest.winner();
  const bool is_last = &contest == &comparison.contests.back();
  const auto page = format == ComparisonFormat::csv
                        ? csv(comparison, contest)
                        : table(file, comparison, contest) + (is_last ? "" : "\n");
  context.report.result(page, "comparison",
                        {{"file", file},
                         {"bytes", contest.size},
                         {"peer", comparison.peer},
                         {"congestion", comparison.congestion},
                         {"winner", winner ? Value(show_name(contest, *winner)) : Value()},
                         {"leaders", names_of(contest, contest.leaders())},
                         {"verdict", verdict(contest)}});
}

}  // namespace

std::string show_name(const Contest& contest, const Contender& contender) {
  const auto same = std::count_if(contest.contenders.begin(), contest.contenders.end(),
                                  [&](const auto& other) { return other.method == contender.method; });
  const auto name = name_of(contender.method);
  const bool is_sized = same > 1 || contender.method == TransferMethod::read_write;
  return is_sized ? text("{} {}", name, show_chunk(contender.chunk)) : std::string(name);
}

void report_comparison(Context& context, const std::string& file, const Comparison& comparison,
                       ComparisonFormat format) {
  for (const auto& contest : comparison.contests) report_contest(context, file, comparison, contest, format);
}

}  // namespace sockx
