// Receivers that answer what ours would not: the sender ends with a reason, and never waits for ever.
#include "../../support/connections.hpp"
#include "../../support/far_ends.hpp"
#include "base/error.hpp"
#include "ends.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

struct Answered {
  TransferTally tally;
  std::exception_ptr failure;

  /// Of its file, or of the transfer.
  std::string reason() const {
    try {
      if (tally.first_failure) std::rethrow_exception(tally.first_failure);
      if (failure) std::rethrow_exception(failure);
    } catch (const Corrupt& error) {
      return std::string("Corrupt: ") + error.what();
    } catch (const Incomplete& error) {
      return std::string("Incomplete: ") + error.what();
    } catch (const TimedOut& error) {
      return std::string("TimedOut: ") + error.what();
    } catch (const std::exception& error) {
      return std::string("another: ") + error.what();
    }
    return "";
  }
};

/// Sends a file to who says this, its beginning at once and the rest when the file is announced, and goes
/// when the sender has said all.
Answered send_to(const std::string& answers, VerifiedSendOptions options) {
  ignore_signals_that_calls_report();
  Answered answered;
  options.names = verified_flag_names;
  EventLoop loop;
  auto pair = tcp_pair();
  FarEnd receiver(loop, std::move(pair.theirs));
  const auto answer = [&]() -> Task<> {
    const auto welcome = encode(Welcome());
    const std::string_view all(answers);
    const auto at_once = answers.starts_with(welcome) ? welcome.size() : answers.size();
    std::string heard;
    co_await write_all(receiver, all.substr(0, at_once));
    co_await read_until(receiver, heard, encode(Hello()).size() + 1);  // it begins
    co_await write_all(receiver, all.substr(at_once));
    co_await read_to_end(receiver, heard);
    receiver.fd.reset();
  };
  const auto none = []() -> Task<Connection> { throw Error(ECONNREFUSED, "connect", Origin::peer); };
  auto sending = send_verified(connection(loop, std::move(pair.ours), "the receiver"), none,
                               std::move(options), answered.tally);
  TaskGroup far_end(loop);
  far_end.spawn(answer());
  loop.run(keep_failure(std::move(sending), answered.failure));
  return answered;
}

std::string answers_in(const std::vector<Message>& answers) {
  std::string all;
  for (const auto& answer : answers) all += encode(answer);
  return all;
}

}  // namespace

TEST_CASE("hostile receiver: what no receiver says ends the transfer with a reason") {
  const Folder here;
  write_file(here / "file", noise(3'000'000));
  Offer part{0, Offer::State::part};
  part.have = {{0, 4'000'000}};
  Offer overlapping{0, Offer::State::part};
  overlapping.have = {{0, 2'000'000}, {1'000'000, 2'000'000}};
  overlapping.samples = {{{0, 10}, std::string(16, 'd')}};
  Offer large_sample{0, Offer::State::part};
  large_sample.have = {{0, 1'000'000}};
  large_sample.samples = {{{0, 20ULL << 30}, std::string(16, 'd')}};
  struct Case {
    std::string name, answers, reason;
  };
  const Case cases[]{
      {"a finish before all was sent", answers_in({Welcome(), Finish()}),
       "Corrupt: the receiver has sent a message that no"},
      {"a file whole before it was sent", answers_in({Welcome(), Done{0}}),
       "Corrupt: the receiver has a file that was"},
      {"a file that there is not", answers_in({Welcome(), Done{7}}),
       "Corrupt: the receiver has a file that was"},
      {"two offers", answers_in({Welcome(), Offer{0}, Offer{0}}),
       "Corrupt: the receiver has sent a message that does not fit"},
      {"a sender's words", answers_in({Welcome(), End{0, 0, 0}}),
       "Corrupt: the receiver has sent a message that no receiver sends"},
      {"no greeting", answers_in({Offer{0}}), "Corrupt: the receiver does not greet"},
      {"another version", answers_in({Welcome{2}}),
       "Incomplete: the receiver supports protocol version 2 only; this transfer needs version 1"},
      {"noise", noise(1000), "Corrupt: the receiver: no frame"},
      {"noise later", answers_in({Welcome()}) + noise(1000), "Corrupt: the receiver: no frame"},
      {"an abort", answers_in({Welcome(), Abort{Status::local_io, "no room"}}),
       "Incomplete: the receiver has given up: no room"},
      {"an abort for damage", answers_in({Welcome(), Abort{Status::integrity_mismatch, "bad"}}),
       "Corrupt: the receiver has given up: bad"},
      {"an abort instead of a greeting", answers_in({Abort{Status::incomplete, "busy"}}),
       "Incomplete: the receiver has given up: busy"},
      {"not wanted", answers_in({Welcome(), Offer{0, Offer::State::unwanted, Status::incomplete, "no"}}),
       "refuses it: no"},
      {"not what was sent",
       answers_in({Welcome(), Offer{0, Offer::State::unwanted, Status::integrity_mismatch, "other bytes"}}),
       "Corrupt: "},
      {"a part beyond the end", answers_in({Welcome(), part}), ""},
      {"a sample of 20 GiB", answers_in({Welcome(), large_sample}),
       "Corrupt: the receiver: a sample of 21474836480 bytes is none of 1 to 4194304"},
      {"a part in pieces that overlap", answers_in({Welcome(), overlapping}), ""},
  };
  for (const auto& [name, answers, reason] : cases) {
    CAPTURE(name);
    const auto answered = send_to(answers, {.paths = {here / "file"}, .idle_timeout = 300ms});
    const auto said = answered.reason();
    CHECK_MESSAGE(said.find(reason) != std::string::npos, said);
    CHECK_MESSAGE((said.starts_with("Corrupt: ") || said.starts_with("Incomplete: ")), said);
    CHECK(answered.tally.files == 0);
  }
}

TEST_CASE("hostile receiver: one that does not greet in time is left") {
  const Folder here;
  write_file(here / "file", "content");
  const auto answered = send_to("", {.paths = {here / "file"}, .greeting_time = 100ms});
  CHECK(answered.reason() ==
        "TimedOut: the receiver has sent no greeting within 0.1 s: does it receive with --verified?");
}

TEST_CASE("hostile receiver: who offers a file twice before it is its turn ends the transfer as corrupt") {
  const Folder here;
  for (const auto* const name : {"first", "second"}) write_file(here / name, name);
  const Offer refused{1, Offer::State::unwanted, Status::incomplete, "no"};
  const auto answered = send_to(answers_in({Welcome(), refused, refused, Offer{0}}),
                                {.paths = {here / "first", here / "second"}, .idle_timeout = 300ms});
  CHECK(answered.reason() ==
        "Corrupt: the receiver has sent a message that does not fit " + (here / "second"));
}
