// The comparison of ways to send a file: the same file, the same receiver, every method in turn.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "flow/pump.hpp"
#include "net/dial.hpp"
#include "net/endpoint.hpp"
#include "os/usage.hpp"
#include "transfer/file_sender.hpp"

namespace sockx {

/// One transfer of the whole file.
struct ComparisonRun {
  std::uint64_t bytes = 0;
  double seconds = 0;
  Usage usage;  // of the sender
  std::uint64_t system_calls = 0;

  double rate() const { return static_cast<double>(bytes) / seconds; }
  double cpu_per_gib() const { return usage.cpu() / (static_cast<double>(bytes) / (1024.0 * 1024 * 1024)); }
};

/// A method with the bytes it asks for in a call; 0 is the most that the method can.
struct Contender {
  TransferMethod method;
  std::size_t chunk = 0;
  std::vector<ComparisonRun> runs = {};
  std::string refused = {};  // why it could not run; it has no runs then

  bool ran() const { return !runs.empty(); }
  double median_rate() const;
  double slowest() const;
  double fastest() const;
  /// The median over the runs of anything that a run can tell.
  double median(const std::function<double(const ComparisonRun&)>& of) const;
};

struct ComparisonOptions {
  std::string file;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> count;
  std::optional<Endpoint> receiver;  // nothing: one is started here, as another process on loopback
  std::vector<TransferMethod> methods;
  std::optional<std::size_t> chunk;  // for every method, instead of what suits it
  unsigned runs = 5, warmups = 1;
  DialOptions dial;  // its deadline is set anew for every run, from this:
  std::optional<Duration> connect_timeout;
  SendOptions send;  // but for the method and the chunk
};

struct Comparison {
  std::string peer;
  std::uint64_t file_size = 0;  // bytes that each run sends
  std::string congestion;       // of the connections; empty when they have none
  std::vector<Contender> contenders;
  /// The winner and the best read-write again under the system's own congestion control, when that is
  /// another.
  std::string system_congestion;
  std::vector<Contender> under_system_congestion;
  std::uint64_t bytes_so_far = 0, bytes_expected = 0;  // of all runs; kept up to date while they run

  /// The highest median; null when nothing ran.
  const Contender* winner() const;
  const Contender* best_read_write() const;
};

/// Whether the ranges of two contenders' rates overlap, so that no honest word can be said about which is
/// faster.
bool within_noise(const Contender& one, const Contender& other);

/// Copies of each byte between disk and network card that a method implies, the two by DMA included.
int copies_by_design(TransferMethod method);

/// Runs the contenders interleaved (A B C A B C ...), warm-up rounds first. read-write runs with 64Ki and
/// with the best of 8Ki, 256Ki and 1Mi, which two rounds of their own choose. Throws BadInput for what is no
/// regular file or is empty, Incomplete when a receiver started here did not count what was sent, and what
/// send_file() throws.
Task<> compare_methods(ComparisonOptions options, Comparison& result);

}  // namespace sockx
