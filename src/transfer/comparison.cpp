#include "transfer/comparison.hpp"

#include <algorithm>
#include <fstream>
#include <memory>

#include "net/stream_options.hpp"
#include "os/error.hpp"
#include "os/text.hpp"
#include "transfer/local_receiver.hpp"

namespace sockx {

namespace {

constexpr std::size_t founding_chunk = 64 * 1024;  // the size with which the four-copy path is usually shown
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
    check_file();
    if (!options_.receiver) {
      receiver_.emplace(loop_);
      options_.receiver = co_await receiver_->endpoint();
    }
    auto& contenders = result_.contenders;
    for (const auto method : options_.methods) contenders.push_back({method, options_.chunk.value_or(0)});
    expect_rounds(options_.warmups + options_.runs, contenders.size());
    co_await add_read_writes(contenders);
    co_await run_rounds(contenders, options_.warmups);
    for (auto& contender : contenders) contender.runs.clear();
    co_await run_rounds(contenders, options_.runs);
    co_await repeat_under_system_congestion();
  }

 private:
  void check_file() {
    const auto source = open_source();
    if (!source.length || *source.length == 0)
      throw BadInput(
          text("'{}': --compare needs a regular file that is not empty, to send it again and again",
               options_.file));
    result_.file_size = *source.length;
  }

  FileSource open_source() const { return FileSource::open(options_.file, options_.offset, options_.count); }

  /// read-write stands for itself with the founding size, and with the best of the others.
  Task<> add_read_writes(std::vector<Contender>& contenders) {
    const auto place = std::find_if(contenders.begin(), contenders.end(), [](const Contender& contender) {
      return contender.method == TransferMethod::read_write;
    });
    if (place == contenders.end()) co_return;
    const auto index = place - contenders.begin();
    if (options_.chunk) {
      if (*options_.chunk != founding_chunk)
        contenders.insert(place, {TransferMethod::read_write, founding_chunk});
      co_return;
    }
    place->chunk = founding_chunk;
    std::vector<Contender> candidates;
    for (const auto chunk : other_chunks) candidates.push_back({TransferMethod::read_write, chunk});
    expect_rounds(rounds_to_choose_chunk, candidates.size());
    co_await run_rounds(candidates, rounds_to_choose_chunk);
    auto best =
        std::max_element(candidates.begin(), candidates.end(),
                         [](const auto& one, const auto& other) { return one.fastest() < other.fastest(); });
    contenders.insert(contenders.begin() + index + 1, {best->method, best->chunk});
    expect_rounds(options_.warmups + options_.runs, 1);
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
    auto source = open_source();
    options_.dial.deadline = options_.connect_timeout ? after(*options_.connect_timeout) : never;
    auto dialed = co_await dial(*options_.receiver, options_.dial);
    result_.peer = dialed.peer.to_string();
    if (result_.congestion.empty()) result_.congestion = congestion_of(dialed.socket);
    auto send = options_.send;
    send.method = contender.method;
    send.chunk = contender.chunk;
    TransferStats stats;
    const auto usage = Usage::now();
    const auto begun = Clock::now();
    co_await send_file(source, std::move(dialed.socket), result_.peer, std::move(send), stats);
    const std::chrono::duration<double> span = Clock::now() - begun;
    ComparisonRun run{stats.bytes, span.count(), Usage::now() - usage, stats.system_calls};
    result_.bytes_so_far += stats.bytes;
    if (stats.fell_back) contender.refused = "the kernel refuses it for this file or this connection";
    if (receiver_) {
      const auto counted = co_await receiver_->next_total();
      if (counted != stats.bytes)
        throw Incomplete(
            text("{} bytes were sent by {}, but {} received", stats.bytes, stats.method, counted));
    }
    if (contender.refused.empty()) contender.runs.push_back(run);
  }

  Task<> repeat_under_system_congestion() {
    const auto system = system_congestion_control();
    const auto* const winner = result_.winner();
    const auto* const read_write = result_.best_read_write();
    const bool chosen_by_user = !options_.dial.stream.congestion.empty();
    if (result_.congestion.empty() || system == result_.congestion || chosen_by_user || winner == nullptr)
      co_return;
    options_.dial.stream.congestion = result_.system_congestion = system;
    auto& again = result_.under_system_congestion;
    again.push_back({winner->method, winner->chunk});
    if (read_write != nullptr && read_write != winner)
      again.push_back({read_write->method, read_write->chunk});
    expect_rounds(options_.runs, again.size());
    co_await run_rounds(again, options_.runs);
  }

  void expect_rounds(unsigned rounds, std::size_t contenders) {
    result_.bytes_expected += result_.file_size * rounds * contenders;
  }

  EventLoop& loop_;
  ComparisonOptions options_;
  Comparison& result_;
  std::optional<LocalReceiver> receiver_;
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

const Contender* Comparison::winner() const {
  return fastest_of(contenders, [](const Contender&) { return true; });
}

const Contender* Comparison::best_read_write() const {
  return fastest_of(
      contenders, [](const Contender& contender) { return contender.method == TransferMethod::read_write; });
}

bool within_noise(const Contender& one, const Contender& other) {
  return one.slowest() <= other.fastest() && other.slowest() <= one.fastest();
}

int copies_by_design(TransferMethod method) {
  switch (method) {
    case TransferMethod::read_write:
      return 4;
    case TransferMethod::mmap:
      return 3;
    default:
      return 2;
  }
}

Task<> compare_methods(ComparisonOptions options, Comparison& result) {
  Comparing comparing(co_await this_loop(), std::move(options), result);
  co_await comparing.run();
}

}  // namespace sockx
