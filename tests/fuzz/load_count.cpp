// The meter's counter: any order of numbers, near 0 and near 2^64, with jumps and steps back, gives the
// counts of a model that remembers every number.
#include "datagram/load_count.hpp"

#include <set>

#include "support.hpp"

using namespace sockx;

namespace {

/// The same counts, made in the simplest way.
class Model {
 public:
  void take(std::uint64_t sequence) {
    const auto greatest = seen_.empty() ? 0 : *seen_.rbegin();
    if (seen_.empty() || sequence > greatest) {
      ++received_;
    } else if (greatest - sequence >= LoadCount::window) {
      ++received_;
      ++reordered_;
      return;  // too late to be remembered
    } else if (seen_.contains(sequence)) {
      ++duplicated_;
    } else {
      ++received_;
      ++reordered_;
    }
    seen_.insert(sequence);
  }
  void check(const LoadReport& report) const {
    const auto greatest = seen_.empty() ? 0 : *seen_.rbegin();
    const auto sent = seen_.empty() ? 0 : greatest + (greatest == UINT64_MAX ? 0 : 1);
    assert(report.sent == std::max(sent, received_));
    assert(report.received == received_);
    assert(report.bytes == received_);
    assert(report.reordered == reordered_);
    assert(report.duplicated == duplicated_);
  }

 private:
  std::set<std::uint64_t> seen_;
  std::uint64_t received_ = 0, reordered_ = 0, duplicated_ = 0;
};

}  // namespace

/// Two bytes are a step from the last number: the first says in which way and how many powers of two, the
/// second what is added.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  LoadCount count;
  Model model;
  std::uint64_t sequence = 0;
  for (std::size_t at = 0; at + 2 <= size; at += 2) {
    const auto step = (std::uint64_t{1} << data[at] % 64) + data[at + 1];
    switch (data[at] / 64) {
      case 0:
        sequence += step;  // modulo 2^64
        break;
      case 1:
        sequence -= step;
        break;
      case 2:
        sequence = UINT64_MAX - data[at + 1];
        break;
      default:
        sequence += data[at + 1];
    }
    count.take({LoadHeader::Kind::load, 0, sequence, step}, 1, sequence, true);
    model.take(sequence);
    model.check(count.report());
  }
  return 0;
}
