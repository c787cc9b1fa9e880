#include "transfer/comparison.hpp"

#include <algorithm>
#include <fstream>
#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/stream/stream_options.hpp"
#include "transfer/local_receiver.hpp"

namespace sockx {

namespace {

constexpr std::size_t founding_chunk = 64 * 1024;  // the usual size in descriptions of the four-copy path
constexpr std::size_t other_chunks[] = {8 * 1024, 256 * 1024, 1024 * 1024};
constexpr unsigned rounds_to_choose_chunk = 2;

std::string system_congestion_control() {
  std::ifstream setting("/proc/sys/net/ipv4/tcp_congestion_control");
  std::string name;
  setting >> name;
  return name;
}

class Comparing {
 public:
  Comparing(EventLoop& loop, ComparisonOptions options, Comparison& result)
      : loop_(loop), options_(std::move(options)), result_(result) {}

  Task<> run() {
    result_.has_several_chunks = options_.chunks.size() > 1;
    for (const auto size : sizes()) result_.contests.push_back({size, first_contenders()});
    for (const auto& contest : result_.contests)
      expect_rounds(contest.size, options_.warmups + options_.runs, contest.contenders.size());
    if (!options_.receiver) {
      receiver_.emplace(loop_);
      options_.receiver = co_await receiver_->endpoint();
    }
    for (auto& contest : result_.contests) {
      size_ = contest.size;
      co_await hold(contest);
    }
  }

 private:
  /// The sizes of the contests. Throws BadInput for one that is larger than the file.
  std::vector<std::uint64_t> sizes() const {
    const auto source = FileSource::open(options_.file, options_.offset, options_.count);
    if (!source.length || *source.length == 0)
      throw BadInput(
          text("'{}': a comparison needs a regular file that is not empty, to send it again and again",
               options_.file));
    for (const auto size : options_.sizes)
      if (size > *source.length)
        throw BadInput("sizes",
                       text("'{}': {} has only {}{}", size, options_.file, counted(*source.length, "byte"),
                            options_.offset > 0 ? " after the offset" : ""));
    return options_.sizes.empty() ? std::vector{*source.length} : options_.sizes;
  }

  /// Each method with each chunk size. read-write always has the founding size as well.
  std::vector<Contender> first_contenders() const {
    std::vector<Contender> contenders;
    for (const auto method : options_.methods) {
      auto chunks = options_.chunks;
      const bool is_read_write = method == TransferMethod::read_write;
      if (is_read_write && std::find(chunks.begin(), chunks.end(), founding_chunk) == chunks.end())
        chunks.insert(chunks.begin(), founding_chunk);
      if (chunks.empty()) chunks.push_back(0);
      for (const auto chunk : chunks) contenders.push_back({method, chunk});
    }
    return contenders;
  }

  Task<> hold(Contest& contest) {
    auto& contenders = contest.contenders;
    if (options_.chunks.empty()) {
      co_await add_best_read_write(contenders);
    }
    co_await measure(contenders);
    co_await repeat_under_system_congestion(contest);
  }

  Task<> measure(std::vector<Contender>& contenders) {
    co_await run_rounds(contenders, options_.warmups);
    for (auto& contender : contenders) contender.runs.clear();
    co_await run_rounds(contenders, options_.runs);
  }

  /// read-write takes part with the founding size, and with the best of the other sizes.
  Task<> add_best_read_write(std::vector<Contender>& contenders) {
    const auto place = std::find_if(contenders.begin(), contenders.end(), [](const Contender& contender) {
      return contender.method == TransferMethod::read_write;
    });
    if (place == contenders.end()) co_return;
    const auto index = place - contenders.begin();
    std::vector<Contender> candidates;
    for (const auto chunk : other_chunks) candidates.push_back({TransferMethod::read_write, chunk});
    expect_rounds(size_, rounds_to_choose_chunk, candidates.size());
    co_await run_rounds(candidates, rounds_to_choose_chunk);
    auto best =
        std::max_element(candidates.begin(), candidates.end(),
                         [](const auto& one, const auto& other) { return one.fastest() < other.fastest(); });
    contenders.insert(contenders.begin() + index + 1, {best->method, best->chunk, {}, {}, true});
    expect_rounds(size_, options_.warmups + options_.runs, 1);
  }

  Task<> run_rounds(std::vector<Contender>& contenders, unsigned rounds) {
    for (unsigned round = 0; round < rounds; ++round) {
      for (auto& contender : contenders) {
        if (contender.refused.empty()) {
          co_await run_once(contender);
        }
      }
    }
  }

  Task<> run_once(Contender& contender) {
    auto source = FileSource::open(options_.file, options_.offset, size_);
    options_.dial.deadline = options_.connect_timeout ? after(*options_.connect_timeout) : never;
    auto dialed = co_await dial(*options_.receiver, options_.dial);
    result_.peer = dialed.name();
    if (result_.congestion.empty()) result_.congestion = congestion_of(dialed.fd());
    auto send = options_.send;
    send.method = contender.method;
    send.chunk = contender.chunk;
    TransferStats stats;
    const auto usage = Usage::now();
    const auto begun = Clock::now();
    co_await send_file(source, std::move(dialed), std::move(send), stats);
    const auto span = Clock::now() - begun;
    ComparisonRun run{
        stats.bytes, seconds(span), {Usage::now() - usage, stats.system_calls}, {}, stats.copied};
    result_.bytes_so_far += stats.bytes;
    contender.refused = stats.why_fell_back;
    if (!contender.refused.empty()) contender.runs.clear();
    if (receiver_) {
      const auto received = co_await receiver_->next_total();
      if (received.bytes != stats.bytes)
        throw Incomplete(text("{} were sent by {}, but {} received", counted(stats.bytes, "byte"),
                              stats.method, received.bytes));
      run.receiver = received.cost;
    }
    if (contender.refused.empty()) contender.runs.push_back(run);
  }

  Task<> repeat_under_system_congestion(Contest& contest) {
    const auto system = system_congestion_control();
    const auto* const fastest = contest.fastest();
    const auto* const read_write = contest.best_read_write();
    if (result_.congestion.empty() || system == result_.congestion || chosen_by_user_ || fastest == nullptr)
      co_return;
    result_.system_congestion = system;
    auto& again = contest.under_system_congestion;
    again.push_back({fastest->method, fastest->chunk});
    if (read_write != nullptr && read_write != fastest)
      again.push_back({read_write->method, read_write->chunk});
    expect_rounds(size_, options_.warmups + options_.runs, again.size());
    options_.dial.stream.congestion = system;
    co_await measure(again);
    options_.dial.stream.congestion.clear();
  }

  void expect_rounds(std::uint64_t size, unsigned rounds, std::size_t contenders) {
    result_.bytes_expected += size * rounds * contenders;
  }

  EventLoop& loop_;
  ComparisonOptions options_;
  bool chosen_by_user_ = !options_.dial.stream.congestion.empty();
  Comparison& result_;
  std::optional<LocalReceiver> receiver_;
  std::uint64_t size_ = 0;  // of the contest
};

template <class Contenders, class Chosen>
const Contender* fastest_of(const Contenders& contenders, Chosen chosen) {
  const Contender* best = nullptr;
  for (const auto& contender : contenders)
    if (contender.ran() && chosen(contender) &&
        (best == nullptr || contender.median_rate() > best->median_rate()))
      best = &contender;
  return best;
}

}  // namespace

double Contender::median(const std::function<double(const ComparisonRun&)>& of) const {
  std::vector<double> values;
  for (const auto& run : runs) values.push_back(of(run));
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double Contender::median_rate() const {
  return median([](const ComparisonRun& run) { return run.rate(); });
}

double Contender::slowest() const {
  return std::min_element(runs.begin(), runs.end(),
                          [](const auto& a, const auto& b) { return a.rate() < b.rate(); })
      ->rate();
}

double Contender::fastest() const {
  return std::max_element(runs.begin(), runs.end(),
                          [](const auto& a, const auto& b) { return a.rate() < b.rate(); })
      ->rate();
}

double Contender::median_cpu() const {
  return median([](const ComparisonRun& run) { return run.cpu_per_gib(run.sender); });
}

bool Contender::has_measured_copies() const { return ran() && runs.front().copied.has_value(); }

double Contender::copies() const {
  constexpr double by_dma = 2;
  if (has_measured_copies())
    return by_dma + median([](const ComparisonRun& run) {
             return static_cast<double>(*run.copied) / static_cast<double>(run.bytes);
           });
  if (method == TransferMethod::read_write) return by_dma + 2;
  return method == TransferMethod::mmap ? by_dma + 1 : by_dma;
}

const Contender* Contest::fastest() const {
  return fastest_of(contenders, [](const Contender&) { return true; });
}

const Contender* Contest::best_read_write() const {
  return fastest_of(
      contenders, [](const Contender& contender) { return contender.method == TransferMethod::read_write; });
}

const Contender* Contest::winner() const {
  const auto* const first = fastest();
  const auto is_level = [&](const Contender& contender) {
    return contender.ran() && &contender != first && within_noise(*first, contender);
  };
  return std::any_of(contenders.begin(), contenders.end(), is_level) ? nullptr : first;
}

std::vector<const Contender*> Contest::leaders() const {
  std::vector<const Contender*> leaders;
  const auto* const read_write = best_read_write();
  const auto leads = [&](const Contender& contender) {
    if (read_write == nullptr) return &contender == fastest() || within_noise(*fastest(), contender);
    return contender.median_rate() > read_write->median_rate() && !within_noise(contender, *read_write);
  };
  for (const auto& contender : contenders)
    if (contender.ran() && leads(contender)) leaders.push_back(&contender);
  return leaders;
}

bool within_noise(const Contender& one, const Contender& other) {
  const auto [less, more] = std::minmax({one.median_rate(), other.median_rate()});
  const bool overlap = one.slowest() <= other.fastest() && other.slowest() <= one.fastest();
  return overlap || more < less * 1.25;
}

Task<> compare_methods(ComparisonOptions options, Comparison& result) {
  Comparing comparing(co_await this_loop(), std::move(options), result);
  co_await comparing.run();
}

}  // namespace sockx
