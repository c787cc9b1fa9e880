// Verified transfers that are damaged or broken off on their way, and what the next one makes of it.
#include <random>

#include "base/error.hpp"
#include "ends.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

template <class E>
bool is(std::exception_ptr failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const E&) {
    return true;
  } catch (...) {
  }
  return false;
}

std::string words_of(std::exception_ptr failure) {
  if (!failure) return "no failure";
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// All files below a folder whose names end so.
std::vector<std::string> left_in(const std::string& folder, const std::string& ending = "") {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(".sockx-") && name.ends_with(ending)) found.push_back(entry.path().string());
  }
  return found;
}

/// Of the transfer, or of the one file of it.
void check_corrupt(const TransferTally& tally, std::exception_ptr failure) {
  const auto why = failure ? failure : tally.first_failure;
  CHECK_MESSAGE(is<Corrupt>(why), words_of(why));
}

constexpr std::size_t whole_size = 3'500'000;

VerifiedSendOptions sending(const std::string& path, unsigned streams = 1) {
  return {.paths = {path}, .streams = streams, .idle_timeout = 5s};
}
VerifiedReceiveOptions receiving(const Folder& folder) {
  return {.folder = folder.path(), .idle_timeout = 5s};
}

/// Of a transfer without a fault.
Outcome whole_transfer(const std::string& path, unsigned streams = 1) {
  const Folder there;
  const auto outcome = transfer(sending(path, streams), receiving(there), Path::Fault());
  REQUIRE(outcome.is_success());
  return outcome;
}

/// Cuts a transfer again and again, each time somewhere else, and completes it.
void check_cuts(unsigned streams, int rounds) {
  const Folder here;
  const auto content = noise(whole_size);
  write_file(here / "file", content);
  const auto uncut = whole_transfer(here / "file", streams);
  const auto all_bytes = uncut.moved_onward + uncut.moved_back;
  std::mt19937_64 random(streams);
  std::uint64_t resumed = 0;
  for (int round = 0; round < rounds; ++round) {
    const Folder there;
    // The first and the last bytes are those of the messages.
    const auto cut_at = round % 4 == 0   ? random() % 300
                        : round % 4 == 1 ? all_bytes - 1 - random() % 200
                                         : random() % all_bytes;
    CAPTURE(cut_at);
    const auto first =
        transfer(sending(here / "file", streams), receiving(there), Path::Fault{.cut_at = cut_at});
    CHECK_MESSAGE(is<Incomplete>(first.sender_failure), words_of(first.sender_failure));
    if (!fs::exists(there / "file"))
      CHECK_MESSAGE(is<Incomplete>(first.receiver_failure), words_of(first.receiver_failure));
    CHECK((first.received.files == 1) == fs::exists(there / "file"));

    const auto second = transfer(sending(here / "file", streams), receiving(there));
    REQUIRE_MESSAGE(second.is_success(), words_of(second.sender_failure), words_of(second.receiver_failure));
    CHECK(difference(read_file(there / "file"), content) == "");
    CHECK(there.size() == 1);
    for (const auto& tally : {second.sent, second.received}) {
      CHECK(tally.bytes + tally.resumed == whole_size);
      CHECK(tally.bytes == whole_size - first.received.bytes);
    }
    resumed += second.received.resumed;
  }
  CHECK(resumed > 0);
}

}  // namespace

TEST_CASE(
    "verified: a transfer cut at any byte is completed by the next, which sends only what was missing") {
  check_cuts(1, 200);
}

TEST_CASE("verified: so is one over several connections") { check_cuts(3, 60); }

TEST_CASE("verified: a part of another file of this size and time is forgotten before anything else comes") {
  for (const std::uint64_t cut_at : {1'500'000, 2'500'000, 3'200'000}) {
    CAPTURE(cut_at);
    const Folder here, there;
    write_file(here / "file", noise(whole_size, 1));
    const auto time = fs::last_write_time(here / "file");
    transfer(sending(here / "file"), receiving(there), Path::Fault{.cut_at = cut_at});
    REQUIRE(left_in(there.path(), ".part").size() == 1);
    const auto content = noise(whole_size, 2);
    write_file(here / "file", content);
    fs::last_write_time(here / "file", time);
    const auto second = transfer(sending(here / "file", 8), receiving(there));
    CHECK_MESSAGE(second.is_success(), words_of(second.sender_failure), words_of(second.receiver_failure));
    CHECK(second.received.resumed == 0);
    CHECK(difference(read_file(there / "file"), content) == "");
  }
}

TEST_CASE("verified: a folder that is cut again and again arrives in the end") {
  const Folder here, there;
  fs::create_directories(here / "tree/sub");
  for (int i = 0; i < 40; ++i) write_file(here / ("tree/sub/" + std::to_string(i)), noise(20'000, i));
  write_file(here / "tree/large", noise(whole_size));
  const auto uncut = whole_transfer(here / "tree");
  std::mt19937_64 random(3);
  int runs = 0;
  for (bool is_whole = false; !is_whole; ++runs) {
    REQUIRE(runs < 100);
    const auto cut_at = runs < 20 ? random() % (uncut.moved_onward / 3) : Path::never;
    is_whole = transfer(sending(here / "tree"), receiving(there), Path::Fault{.cut_at = cut_at}).is_success();
  }
  CHECK(runs > 3);
  CHECK(difference(read_file(there / "tree/large"), noise(whole_size)) == "");
  for (int i = 0; i < 40; ++i)
    CHECK(read_file(there / ("tree/sub/" + std::to_string(i))) == noise(20'000, i));
  CHECK(left_in(there.path()).empty());
}

TEST_CASE("verified: one byte that changes on its way to the receiver is found, wherever it is") {
  const Folder here;
  const auto content = noise(2'500'000);
  write_file(here / "file", content);
  for (const unsigned streams : {1, 3}) {
    const auto all_bytes = whole_transfer(here / "file", streams).moved_onward;
    std::mt19937_64 random(streams);
    for (int round = 0; round < 90; ++round) {
      const Folder there;
      // Greeting and entry, the first chunk's header, anywhere, and the last digest, end and finish.
      const std::uint64_t flip_at = round < 40   ? static_cast<std::uint64_t>(round) * 7
                                    : round < 60 ? all_bytes - 1 - static_cast<std::uint64_t>(round - 30) * 4
                                                 : random() % all_bytes;
      CAPTURE(streams);
      CAPTURE(flip_at);
      const auto outcome =
          transfer(sending(here / "file", streams), receiving(there), Path::Fault{.flip_at = flip_at});
      check_corrupt(outcome.received, outcome.receiver_failure);
      check_corrupt(outcome.sent, outcome.sender_failure);
      const bool was_whole = outcome.received.files == 1;  // before the damage came, which hit the last words
      CHECK(fs::exists(there / "file") == was_whole);
      if (was_whole) CHECK(difference(read_file(there / "file"), content) == "");
      CHECK(transfer(sending(here / "file", streams), receiving(there)).is_success());
      CHECK(difference(read_file(there / "file"), content) == "");
      CHECK(there.size() == 1);
    }
  }
}

TEST_CASE("verified: one byte that changes on its way to the sender is found") {
  const Folder here;
  const auto content = noise(2'500'000);
  write_file(here / "file", content);
  const auto all_bytes = whole_transfer(here / "file").moved_back;
  REQUIRE(all_bytes < 1000);
  for (std::uint64_t flip_back_at = 0; flip_back_at < all_bytes; flip_back_at += 3) {
    const Folder there;
    CAPTURE(flip_back_at);
    const auto outcome =
        transfer(sending(here / "file"), receiving(there), Path::Fault{.flip_back_at = flip_back_at});
    CHECK_MESSAGE(is<Corrupt>(outcome.sender_failure), words_of(outcome.sender_failure));
    if (fs::exists(there / "file")) CHECK(difference(read_file(there / "file"), content) == "");
  }
}

TEST_CASE("verified: a map that a killed transfer has left of a whole file goes with the next transfer") {
  const Folder here, there;
  write_file(here / "file", noise(whole_size));
  transfer(sending(here / "file"), receiving(there), Path::Fault{.cut_at = whole_size / 2});
  const auto maps = left_in(there.path(), ".map");
  REQUIRE(maps.size() == 1);
  const auto map = read_file(maps.front());
  REQUIRE(transfer(sending(here / "file"), receiving(there)).is_success());
  CHECK(there.size() == 1);
  write_file(maps.front(), map);  // SIGKILL between the new name and the end of the map
  const auto again = transfer(sending(here / "file"), receiving(there));
  CHECK(again.received.files_there == 1);
  CHECK(there.size() == 1);
}
