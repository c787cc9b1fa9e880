// Files that change while they are sent, or between one transfer and the next.
#include <fcntl.h>
#include <sys/stat.h>

#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "ends.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t changing_size = 12'000'000;

/// The folder "tree" with a file that something befalls, and others before and behind it.
struct Tree {
  Folder folder;
  std::string path = folder / "tree", changing = folder / "tree/changing";
  Tree() {
    fs::create_directory(path);
    write_file(path + "/before", noise(100'000));
    write_file(changing, noise(changing_size));
    write_file(path + "/large", noise(3'000'000, 2));
    write_file(path + "/small", noise(1000, 3));
  }
};

/// Sends the tree, and calls `change` once so many bytes have arrived. Both ends must say that the file has
/// not become whole, and the others must have.
void check_change(unsigned streams, std::uint64_t when,
                  const std::function<void(const std::string&)>& change) {
  const Tree here;
  const Folder there;
  bool has_changed = false;
  const auto look = [&](std::uint64_t onward) {
    if (onward >= when && !std::exchange(has_changed, true)) change(here.changing);
  };
  std::vector<std::string> told;
  VerifiedSendOptions send{.paths = {here.path}, .streams = streams, .idle_timeout = 5s};
  send.tell = [&](const FileEvent& event) {
    if (event.kind == FileEvent::Kind::failed) told.push_back(event.reason);
  };
  const auto outcome =
      transfer(send, {.folder = there.path(), .idle_timeout = 5s}, Path::Fault{.look = look});
  CAPTURE(streams);
  CAPTURE(when);
  REQUIRE(has_changed);
  if (outcome.sender_failure) std::rethrow_exception(outcome.sender_failure);
  if (outcome.receiver_failure) std::rethrow_exception(outcome.receiver_failure);
  for (const auto& tally : {outcome.sent, outcome.received}) {
    CHECK(tally.files == 3);
    CHECK(tally.files_failed == 1);
    CHECK(thrown_by<Incomplete>([&] { std::rethrow_exception(tally.first_failure); }));
  }
  CHECK(told == std::vector{here.changing + ": has changed while it was sent"});
  CHECK(fs::exists(there / "tree/before"));
  CHECK(difference(read_file(there / "tree/large"), noise(3'000'000, 2)) == "");
  CHECK(read_file(there / "tree/small") == noise(1000, 3));
  CHECK(std::distance(fs::directory_iterator(there / "tree"), fs::directory_iterator()) == 3);
}

void overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file << bytes;
}

timespec time_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mtim;
}
void set_time(const std::string& path, timespec time) {
  const timespec times[]{{0, UTIME_OMIT}, time};
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

/// Leaves a part of a file, changes the file, and sends it again: which must be noticed and sent whole.
void check_change_between(const std::function<void(const std::string&)>& change,
                          std::size_t new_size = changing_size) {
  const Folder here, there;
  write_file(here / "file", noise(changing_size));
  const auto broken = transfer({.paths = {here / "file"}}, {.folder = there.path()},
                               Path::Fault{.cut_at = changing_size / 2});
  REQUIRE(broken.received.bytes > changing_size / 4);
  change(here / "file");
  unsigned told_by_sender = 0, told_by_receiver = 0;
  const auto count = [](unsigned& times) {
    return [&times](const FileEvent& event) { times += event.kind == FileEvent::Kind::changed ? 1 : 0; };
  };
  VerifiedSendOptions send{.paths = {here / "file"}};
  VerifiedReceiveOptions receive{.folder = there.path()};
  send.tell = count(told_by_sender);
  receive.tell = count(told_by_receiver);
  const auto outcome = transfer(send, receive);
  REQUIRE(outcome.is_success());
  CHECK(told_by_sender == 1);
  CHECK(told_by_receiver == 1);
  CHECK(difference(read_file(there / "file"), read_file(here / "file")) == "");
  for (const auto& tally : {outcome.sent, outcome.received}) {
    CHECK(tally.bytes == new_size);
    CHECK(tally.resumed == 0);
  }
  CHECK(there.size() == 1);
}

}  // namespace

TEST_CASE("verified: a file that becomes shorter while it is sent fails, and the others arrive") {
  for (const unsigned streams : {1, 3})
    for (const std::uint64_t shorter : {0, 1, 3'000'000, 5'500'000, 9'100'000, 11'999'999})
      check_change(streams, 1'000'000, [&](const auto& path) { fs::resize_file(path, shorter); });
}

TEST_CASE("verified: a file that grows while it is sent fails, and the others arrive") {
  for (const unsigned streams : {1, 3})
    check_change(streams, 1'000'000, [](const auto& path) { fs::resize_file(path, changing_size + 1); });
}

TEST_CASE("verified: a file that is written to while it is sent fails by its time, and the others arrive") {
  for (const unsigned streams : {1, 3})
    check_change(streams, 1'500'000, [](const auto& path) { overwrite(path, 0, "other"); });
}

TEST_CASE("verified: a file that is removed while it is sent arrives, because it is open") {
  const Tree here;
  const Folder there;
  const auto look = [&](std::uint64_t onward) {
    if (onward > 1'000'000) fs::remove(here.changing);
  };
  CHECK(transfer({.paths = {here.path}, .streams = 2}, {.folder = there.path()}, Path::Fault{.look = look})
            .is_success());
  CHECK(difference(read_file(there / "tree/changing"), noise(changing_size)) == "");
}

TEST_CASE("verified: a file that has another size than its part is sent from the start") {
  check_change_between([](const auto& path) { fs::resize_file(path, changing_size - 1); }, changing_size - 1);
  check_change_between([](const auto& path) { overwrite(path, changing_size, "more"); }, changing_size + 4);
}

TEST_CASE("verified: a file that has another time than its part is sent from the start") {
  check_change_between([](const auto& path) { overwrite(path, changing_size / 2, "other"); });
  check_change_between([](const auto& path) {
    auto time = time_of(path);
    time.tv_nsec ^= 1;
    set_time(path, time);
  });
}

TEST_CASE("verified: other bytes with the same size and time are found by the samples of a part") {
  const auto with_same_time = [](std::uint64_t offset, std::size_t length) {
    return [=](const std::string& path) {
      const auto time = time_of(path);
      overwrite(path, offset, noise(length, 9));
      set_time(path, time);
    };
  };
  check_change_between(with_same_time(0, changing_size));
  // Of up to eight chunks each is a sample; of more, the first is, the last, and some between.
  for (const std::uint64_t chunk : {0, 1, 2, 3}) check_change_between(with_same_time(chunk << 20, 1));
}
