// The comparison of ways to send a file: the same file, the same receiver, every method in turn.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "flow/pump.hpp"
#include "net/address/endpoint.hpp"
#include "net/stream/dial.hpp"
#include "transfer/file_sender.hpp"

namespace sockx {

/// One transfer of the whole file, or of its beginning.
struct ComparisonRun {
  std::uint64_t bytes = 0;
  double seconds = 0;
  Cost sender;
  std::optional<Cost> receiver;  // of one that was started here
  std::optional<std::uint64_t> copied;

  double rate() const { return static_cast<double>(bytes) / seconds; }
  double cpu_per_gib(const Cost& cost) const {
    return cost.usage.cpu() / (static_cast<double>(bytes) / (1024.0 * 1024 * 1024));
  }
};

/// A method with its bytes per call; 0 is the default of the method.
struct Contender {
  TransferMethod method;
  std::size_t chunk = 0;
  std::vector<ComparisonRun> runs = {};
  std::string refused = {};       // why it could not run; then it has no runs
  bool chunk_was_chosen = false;  // as the best of several

  bool ran() const { return !runs.empty(); }
  double median_rate() const;
  double slowest() const;
  double fastest() const;
  /// The median of a value over the runs.
  double median(const std::function<double(const ComparisonRun&)>& of) const;
  double median_cpu() const;  // the sender's seconds for each GiB
  /// How often each byte is copied between disk and network card, including two DMA transfers: as measured by
  /// the kernel (has_measured_copies()), else by design.
  double copies() const;
  bool has_measured_copies() const;
};

/// A comparison of all contenders with one size.
struct Contest {
  std::uint64_t size = 0;  // that each run sends
  std::vector<Contender> contenders;
  /// The winner and the best read-write again under the system's own congestion control, when that is
  /// another.
  std::vector<Contender> under_system_congestion = {};

  /// The highest median; null when nothing ran.
  const Contender* fastest() const;
  const Contender* best_read_write() const;
  /// The fastest, if it is beyond the noise; else null.
  const Contender* winner() const;
  /// The contenders that beat the better read-write beyond the noise. Without read-write: those within the
  /// noise of the fastest. In the order of the contenders.
  std::vector<const Contender*> leaders() const;
};

struct ComparisonOptions {
  std::string file;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> count;
  std::vector<std::uint64_t> sizes;  // a contest for each; empty: one, with all of the file
  std::optional<Endpoint> receiver;  // none: a receiver is started as another process on loopback
  std::vector<TransferMethod> methods;
  std::vector<std::size_t> chunks;  // every method runs with each of them; empty: with what suits it
  unsigned runs = 5, warmups = 1;
  DialOptions dial;  // its deadline is set for each run, from:
  std::optional<Duration> connect_timeout;
  SendOptions send;  // except for method and chunk
};

struct Comparison {
  std::string peer;
  std::string congestion;         // of the connections; empty when they have none
  std::string system_congestion;  // empty when it is the same, or nothing ran under it
  std::vector<Contest> contests;  // one for each size
  bool has_several_chunks = false;
  std::uint64_t bytes_so_far = 0, bytes_expected = 0;  // of all runs; kept up to date while they run
};

/// Whether two contenders are too close to say which is faster: the ranges of their runs overlap, or the
/// medians differ by less than a quarter. On a busy machine the medians of one contender differed by as much
/// between comparisons.
bool within_noise(const Contender& one, const Contender& other);

/// Runs the contenders interleaved (A B C A B C ...), warm-up rounds first. read-write runs with 64Ki and
/// with the best of 8Ki, 256Ki and 1Mi, which two rounds of their own choose; where chunks are given, with
/// 64Ki and with those. Throws BadInput for what is no regular file or is empty, and for a size that the file
/// does not have; Incomplete when a receiver started here did not count what was sent; and what send_file()
/// throws.
Task<> compare_methods(ComparisonOptions options, Comparison& result);

}  // namespace sockx
