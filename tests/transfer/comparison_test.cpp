// What a comparison makes of its runs.
#include "transfer/comparison.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sockx;

namespace {

/// A contender whose runs had these rates, in bytes a second.
Contender contender(TransferMethod method, const std::vector<double>& rates) {
  Contender made{method};
  for (const auto rate : rates) {
    ComparisonRun run;
    run.bytes = 1000;
    run.seconds = 1000 / rate;
    made.runs.push_back(run);
  }
  return made;
}

std::vector<TransferMethod> methods_of(const std::vector<const Contender*>& contenders) {
  std::vector<TransferMethod> methods;
  for (const auto* const one : contenders) methods.push_back(one->method);
  return methods;
}

using Methods = std::vector<TransferMethod>;

}  // namespace

TEST_CASE("comparison: two are told apart when neither their ranges overlap nor their medians are close") {
  const auto slow = contender(TransferMethod::read_write, {100, 110, 90});
  CHECK_FALSE(within_noise(slow, contender(TransferMethod::sendfile, {130, 126, 150})));
  CHECK_FALSE(within_noise(contender(TransferMethod::sendfile, {130, 126, 150}), slow));
  CHECK(within_noise(slow, contender(TransferMethod::sendfile, {120, 119, 121})));  // less than a quarter
  CHECK(within_noise(slow, contender(TransferMethod::sendfile, {300, 109, 400})));  // one run was as slow
}

TEST_CASE("comparison: the leaders beat read-write, and the winner beats all") {
  Contest contest;
  contest.contenders = {contender(TransferMethod::read_write, {90, 95, 98}),
                        contender(TransferMethod::read_write, {100, 105, 99}),
                        contender(TransferMethod::sendfile, {250, 220, 270}),
                        contender(TransferMethod::splice, {300, 240, 310}),
                        contender(TransferMethod::mmap, {110, 112, 108})};
  CHECK(contest.fastest()->method == TransferMethod::splice);
  CHECK(contest.best_read_write()->median_rate() == doctest::Approx(100));
  CHECK(contest.winner() == nullptr);
  CHECK(methods_of(contest.leaders()) == Methods{TransferMethod::sendfile, TransferMethod::splice});
  contest.contenders[3] = contender(TransferMethod::splice, {500, 480, 490});
  REQUIRE(contest.winner() != nullptr);
  CHECK(contest.winner()->method == TransferMethod::splice);
  CHECK(methods_of(contest.leaders()) == Methods{TransferMethod::sendfile, TransferMethod::splice});
}

TEST_CASE("comparison: without read-write the leaders are level with the fastest") {
  Contest contest;
  CHECK(contest.fastest() == nullptr);
  CHECK(contest.winner() == nullptr);
  CHECK(contest.leaders().empty());
  contest.contenders = {contender(TransferMethod::sendfile, {250}), contender(TransferMethod::splice, {260}),
                        contender(TransferMethod::mmap, {100}), contender(TransferMethod::zero_copy, {})};
  CHECK(contest.winner() == nullptr);
  CHECK(methods_of(contest.leaders()) == Methods{TransferMethod::sendfile, TransferMethod::splice});
}

TEST_CASE("comparison: copies are by design, or what the kernel told") {
  CHECK(contender(TransferMethod::read_write, {1}).copies() == 4);
  CHECK(contender(TransferMethod::mmap, {1}).copies() == 3);
  CHECK(contender(TransferMethod::sendfile, {1}).copies() == 2);
  auto zero_copy = contender(TransferMethod::zero_copy, {1});
  zero_copy.runs[0].copied = 250;
  CHECK(zero_copy.has_measured_copies());
  CHECK(zero_copy.copies() == doctest::Approx(2.25));
}
