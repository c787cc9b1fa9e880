#include "commands/transfer/comparison_plot.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "base/error.hpp"
#include "base/text.hpp"
#include "commands/transfer/comparison_report.hpp"
#include "flow/run_pump.hpp"
#include "flow/task_group.hpp"
#include "os/child.hpp"
#include "os/substitutes.hpp"

namespace sockx {

namespace {

constexpr auto ink = "#737b84";  // middle grey, for light and dark pages alike: there is no background

/// What a chart shows of each run.
struct Quantity {
  const char* title;
  double (*of)(const ComparisonRun& run);
};

constexpr Quantity quantities[]{
    {"throughput, GB/s", [](const ComparisonRun& run) { return run.rate() / 1e9; }},
    {"CPU time of the sender, s/GiB", [](const ComparisonRun& run) { return run.cpu_per_gib(run.sender); }}};

/// "median least greatest".
std::string numbers(const Contender& contender, const Quantity& quantity) {
  const auto order = [&](const auto& one, const auto& other) {
    return quantity.of(one) < quantity.of(other);
  };
  const auto [least, greatest] = std::minmax_element(contender.runs.begin(), contender.runs.end(), order);
  return text("{} {} {}", contender.median(quantity.of), quantity.of(*least), quantity.of(*greatest));
}

/// In the quotes of gnuplot.
std::string quoted(const std::string& words) {
  std::string safe = "'";
  for (const char letter : one_line(words)) safe += letter == '\'' ? "''" : std::string(1, letter);
  return safe + '\'';
}

/// One contender, drawn over the size or the chunk that it ran with.
struct Point {
  std::uint64_t x;
  const Contender* contender;
};
struct Line {
  std::string name;
  std::vector<Point> points;
};

/// Over the sizes, if there are several, and else over the chunks.
std::vector<Line> lines_of(const Comparison& comparison) {
  const bool over_sizes = comparison.contests.size() > 1;
  std::vector<Line> lines;
  const auto line_named = [&](const std::string& name) -> Line& {
    for (auto& line : lines)
      if (line.name == name) return line;
    return lines.emplace_back(Line{name, {}});
  };
  for (const auto& contest : comparison.contests) {
    for (const auto& contender : contest.contenders) {
      if (!contender.ran()) continue;
      const auto method = std::string(name_of(contender.method));
      const auto name = !over_sizes                  ? method
                        : contender.chunk_was_chosen ? method + ", best chunk"
                                                     : show_name(contest, contender);
      line_named(name).points.push_back({over_sizes ? contest.size : contender.chunk, &contender});
    }
  }
  for (auto& line : lines)
    std::sort(line.points.begin(), line.points.end(),
              [](const Point& one, const Point& other) { return one.x < other.x; });
  return lines;
}

std::string line_chart(const Comparison& comparison, const Quantity& quantity) {
  const auto lines = lines_of(comparison);
  std::string data, plot;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    data += text("$line{} << END\n", i);
    for (const auto& [x, contender] : lines[i].points)
      data += text("{} {}\n", x, numbers(*contender, quantity));
    data += "END\n";
    plot += text("{} $line{} using 1:2:3:4 with yerrorlines lw 1.5 pt 7 ps 0.5 title {}",
                 i == 0 ? "plot" : ",", i, quoted(lines[i].name));
  }
  // Between small files and large ones lie powers of ten.
  const std::string y_axis = comparison.contests.size() > 1 ? "set logscale y" : "set yrange [0:*]";
  return data + "set logscale x 2\nset format x '%.0b%B'\n" + y_axis + '\n' + plot + '\n';
}

std::string bar_chart(const Contest& contest, const Quantity& quantity) {
  std::string data;
  int rows = 0;
  for (const auto& contender : contest.contenders)
    if (contender.ran())
      data += text("{} {} \"{}\"\n", rows++, numbers(contender, quantity), show_name(contest, contender));
  return text(
      "$bars << END\n{}END\nset xrange [0:*]\nset yrange [{}.5:-0.5]\nunset key\nset style fill solid "
      "noborder\n"
      "plot $bars using ($2/2):1:($2/2):(0.36):ytic(5) with boxxyerror lc rgb '#2f81f7', "
      "$bars using 2:1:3:4 with xerrorbars pt -1 lc rgb '{}'\n",
      data, rows - 1, ink);
}

std::string script(const std::string& title, const Comparison& comparison) {
  const bool is_swept = comparison.contests.size() > 1 || comparison.has_several_chunks;
  const auto& contest = comparison.contests.front();
  const auto height = is_swept ? 420 : 120 + 24 * contest.contenders.size();
  auto commands = text(
      "set terminal svg noenhanced size 960,{} font 'Helvetica,12'\n"
      "set border 3 lc rgb '{}'\nset tics nomirror textcolor rgb '{}'\nset key below textcolor rgb '{}'\n"
      "set multiplot layout 1,2 title {} textcolor rgb '{}'\n",
      height, ink, ink, ink, quoted(title), ink);
  for (const auto& quantity : quantities) {
    commands += text("set title {} textcolor rgb '{}'\n", quoted(quantity.title), ink);
    commands += is_swept ? line_chart(comparison, quantity) : bar_chart(contest, quantity);
  }
  return commands + "unset multiplot\n";
}

/// Carries all that `from` has into `to`, and closes both.
Task<> carry(UniqueFd from, UniqueFd to, Origin origin) {
  auto& loop = co_await this_loop();
  Stream source(loop, std::move(from), "gnuplot", origin), sink(loop, std::move(to), "gnuplot", origin);
  Pump pump(source, sink);
  co_await run_pump(pump);
}

Task<> run_gnuplot(std::string commands, UniqueFd picture) {
  Child gnuplot({"gnuplot"}, {.takes_input = true, .shares_error = true});
  auto feeding = carry(open_text(commands), gnuplot.take_input(), Origin::child);
  auto collecting = carry(gnuplot.take_output(), std::move(picture), Origin::local_file);
  co_await all(std::move(feeding), std::move(collecting));
  const auto end = gnuplot.reap();
  if (!end.is_success()) throw std::runtime_error(text("gnuplot {}", end.to_string()));
}

void check_gnuplot() try { Child({"gnuplot", "--version"}, {}).reap(); } catch (const Error& error) {
  if (error.number() != ENOENT) throw;
  throw std::runtime_error("--plot: gnuplot is missing; on Debian, `apt install gnuplot-nox` brings it");
}

}  // namespace

ComparisonPlot::ComparisonPlot(const std::string& path) : file_((check_gnuplot(), path), {}) {}

void ComparisonPlot::draw(Context& context, const std::string& title, const Comparison& comparison) {
  context.run(run_gnuplot(script(title, comparison), UniqueFd(fcntl(file_.fd(), F_DUPFD_CLOEXEC, 0))));
  file_.complete(false);
}

}  // namespace sockx
