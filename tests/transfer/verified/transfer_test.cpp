// Verified transfers with both ends in this process.
#include <fcntl.h>
#include <sys/stat.h>

#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "base/words.hpp"
#include "ends.hpp"
#include "transfer/verified/part_file.hpp"
#include "transfer/verified/source_walk.hpp"

using namespace sockx;
using namespace test;

namespace {

struct stat status_of(const std::string& path) {
  struct stat status {};
  REQUIRE_MESSAGE(lstat(path.c_str(), &status) == 0, path);
  return status;
}

void write(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

void check_same_file(const std::string& one, const std::string& other) {
  const auto a = status_of(one), b = status_of(other);
  CHECK(a.st_size == b.st_size);
  CHECK((a.st_mode & 0777) == (b.st_mode & 0777));
  CHECK(a.st_mtim.tv_sec == b.st_mtim.tv_sec);
  CHECK(a.st_mtim.tv_nsec == b.st_mtim.tv_nsec);
  CHECK(read_file(one) == read_file(other));
}

}  // namespace

TEST_CASE("verified: a file arrives with its bytes, mode and time, whatever its size") {
  for (const std::size_t size : {0, 1, 4095, 65536, 65537, 1048576, 1048577, 5'000'000}) {
    CAPTURE(size);
    const Folder here, there;
    write(here / "file", noise(size));
    chmod((here / "file").c_str(), 0640);
    const auto outcome = transfer({.paths = {here / "file"}}, {.folder = there.path()});
    REQUIRE(outcome.is_success());
    check_same_file(here / "file", there / "file");
    CHECK(there.size() == 1);
    CHECK(outcome.sent.files == 1);
    CHECK(outcome.received.files == 1);
    CHECK(outcome.received.bytes == size);
  }
}

TEST_CASE("verified: a folder arrives as it is, with empty folders and links that stay in it") {
  const Folder here, there;
  fs::create_directories(here / "tree/empty");
  fs::create_directories(here / "tree/deep/er");
  write(here / "tree/a", "a");
  write(here / "tree/deep/er/\xff not UTF-8", noise(100'000));
  write(here / "tree/deep/\xc3\xa4", noise(2'000'000));
  fs::create_symlink("a", here / "tree/link");
  fs::create_symlink("../../empty", here / "tree/deep/er/up");
  fs::create_symlink("nowhere", here / "tree/dangling");
  const auto outcome = transfer({.paths = {here / "tree"}}, {.folder = there.path(), .sync = true});
  REQUIRE(outcome.is_success());
  CHECK(outcome.sent.files == 6);
  CHECK(outcome.received.files == 6);
  CHECK(outcome.received.files_total == 6U);
  for (const auto* const name : {"tree/a", "tree/deep/er/\xff not UTF-8", "tree/deep/\xc3\xa4"})
    check_same_file(here / name, there / name);
  CHECK(fs::is_empty(there / "tree/empty"));
  for (const auto* const name : {"tree", "tree/empty", "tree/deep"})
    CHECK(status_of(here / name).st_mtim.tv_nsec == status_of(there / name).st_mtim.tv_nsec);
  for (const auto* const name : {"tree/link", "tree/deep/er/up", "tree/dangling"}) {
    CHECK(fs::read_symlink(there / name) == fs::read_symlink(here / name));
    CHECK(status_of(here / name).st_mtim.tv_nsec == status_of(there / name).st_mtim.tv_nsec);
  }
  const auto again = transfer({.paths = {here / "tree"}}, {.folder = there.path()});
  CHECK(again.is_success());
  CHECK(again.sent.files_there == 6);

  fs::remove(there / "tree/link");
  write(there / "tree/link", "a file");
  const auto kept = transfer({.paths = {here / "tree"}}, {.folder = there.path()});
  CHECK(kept.sent.files_failed == 1);
  CHECK(read_file(there / "tree/link") == "a file");
  CHECK(transfer({.paths = {here / "tree"}}, {.folder = there.path(), .replaces = true}).is_success());
  CHECK(fs::read_symlink(there / "tree/link") == "a");
  CHECK(std::distance(fs::directory_iterator(there / "tree"), fs::directory_iterator()) == 5);
}

TEST_CASE(
    "verified: links that lead out of the folder and special files are refused by name, the rest is sent") {
  const Folder here, there;
  fs::create_directories(here / "tree/sub");
  write(here / "tree/file", "content");
  REQUIRE(mkfifo((here / "tree/fifo").c_str(), 0600) == 0);
  const std::pair<const char*, const char*> links[]{{"tree/absolute", "/etc/passwd"},
                                                    {"tree/out", ".."},
                                                    {"tree/sub/beside", "../../tree2/file"},
                                                    {"tree/sub/through", "../sub/../file"}};
  for (const auto& [name, target] : links) fs::create_symlink(target, here / name);
  std::vector<std::string> failed;
  VerifiedSendOptions options{.paths = {here / "tree"}};
  options.tell = [&](const FileEvent& event) {
    if (event.kind == FileEvent::Kind::failed) failed.push_back(event.reason.substr(here.path().size() + 1));
  };
  const auto outcome = transfer(options, {.folder = there.path()});
  CHECK_FALSE(outcome.sender_failure);
  CHECK_FALSE(outcome.receiver_failure);
  CHECK(thrown_by<Incomplete>([&] { std::rethrow_exception(outcome.sent.first_failure); }));
  CHECK(failed ==
        std::vector<std::string>{
            "tree/absolute is a symbolic link whose target is absolute, and is not sent",
            "tree/fifo is a fifo, and is not sent",
            "tree/out is a symbolic link whose target leads out of the directory, and is not sent",
            "tree/sub/beside is a symbolic link whose target leads out of the directory, and is not sent",
            "tree/sub/through is a symbolic link whose target has the part '..' after a name, and is not "
            "sent"});
  CHECK(read_file(there / "tree/file") == "content");
  CHECK(fs::is_empty(there / "tree/sub"));
}

TEST_CASE("verified: a receiver without links takes what has none") {
  const Folder here;
  fs::create_directory(here / "tree");
  write(here / "tree/file", "content");
  EventLoop loop;
  Clock::time_point last_active;
  CHECK_FALSE(loop.run(count_sources({here / "tree"}, {loop, last_active})).has_links);
  fs::create_symlink("file", here / "tree/link");
  const auto totals = loop.run(count_sources({here / "tree"}, {loop, last_active}));
  CHECK(totals.has_links);
  CHECK(totals.files == 2);
}

TEST_CASE("verified: a folder that is made in one with a set-group-ID bit keeps that bit") {
  const Folder here, there;
  fs::create_directories(here / "tree/sub");
  chmod((here / "tree/sub").c_str(), 0750);
  REQUIRE(chmod(there.path().c_str(), 02755) == 0);
  if ((status_of(there.path()).st_mode & S_ISGID) == 0) return;  // the group is none of ours
  REQUIRE(transfer({.paths = {here / "tree"}}, {.folder = there.path()}).is_success());
  CHECK((status_of(there / "tree").st_mode & 07777) == (02000 | (status_of(here / "tree").st_mode & 0777)));
  CHECK((status_of(there / "tree/sub").st_mode & 07777) == 02750);
}

TEST_CASE("verified: what an earlier transfer has left in a folder that is sent does not travel") {
  const Folder here, there;
  fs::create_directory(here / "tree");
  write(here / "tree/file", noise(3000));
  const auto beside = here / ("tree/.sockx-" + hexadecimal(xxh3_128("file")));
  for (const auto* const ending : {".part", ".map"}) write(beside + ending, "left over");
  std::vector<std::string> left_out;
  VerifiedSendOptions options{.paths = {here / "tree"}};
  options.tell = [&](const FileEvent& event) {
    if (event.kind == FileEvent::Kind::left_out) left_out.push_back(event.name + " " + event.reason);
  };
  REQUIRE(transfer(options, {.folder = there.path(), .replaces = true}).is_success());
  const std::string why = " has a name that is reserved for parts of files";
  CHECK(left_out == std::vector{beside + ".map" + why, beside + ".part" + why});
  check_same_file(here / "tree/file", there / "tree/file");
  CHECK(std::distance(fs::directory_iterator(there / "tree"), fs::directory_iterator()) == 1);

  const auto named = transfer({.paths = {beside + ".part"}}, {.folder = there.path(), .replaces = true});
  const auto reason = thrown_by<Incomplete>([&] { std::rethrow_exception(named.sent.first_failure); });
  REQUIRE(reason);
  CHECK(std::string(reason->what()).find("the name is reserved for parts of files") != std::string::npos);
}

TEST_CASE("verified: a folder keeps its permissions, also those that let nobody write to it") {
  const Folder here, there;
  fs::create_directories(here / "tree/closed");
  write(here / "tree/closed/file", "content");
  chmod((here / "tree/closed").c_str(), 0555);
  chmod((here / "tree").c_str(), 0711);
  CHECK(transfer({.paths = {here / "tree"}}, {.folder = there.path()}).is_success());
  CHECK((status_of(there / "tree/closed").st_mode & 07777) == 0555);
  CHECK((status_of(there / "tree").st_mode & 07777) == 0711);
  check_same_file(here / "tree/closed/file", there / "tree/closed/file");
  CHECK(status_of(there / "tree/closed").st_mtim.tv_nsec == status_of(here / "tree/closed").st_mtim.tv_nsec);
  // One that was there is whose it was.
  chmod((there / "tree").c_str(), 0700);
  CHECK(transfer({.paths = {here / "tree"}}, {.folder = there.path()}).is_success());
  CHECK((status_of(there / "tree").st_mode & 07777) == 0700);
  for (const auto& closed : {here / "tree/closed", there / "tree/closed"}) chmod(closed.c_str(), 0755);
}

TEST_CASE("verified: many parts in many pieces are resumed, or sent anew, but all arrive") {
  constexpr std::size_t files = 34, pieces = 2000, distance = 600;  // bytes
  const Folder here, there;
  fs::create_directories(here / "tree");
  fs::create_directories(there / "tree");
  const UniqueFd folder(open((there / "tree").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t i = 0; i < files; ++i) {
    const auto name = std::to_string(i);
    const auto content = noise(pieces * distance, i);
    write(here / ("tree/" + name), content);
    const auto time = status_of(here / ("tree/" + name)).st_mtim;
    const FileFacts facts{content.size(), time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec), 0644};
    PartFile part({folder.get(), name}, name, facts, DigestKind::xxh3_128, true);
    part.restart();
    for (std::size_t offset = 0; offset < content.size(); offset += distance) {
      const auto piece = std::string_view(content).substr(offset, 8);
      part.write(offset, std::as_bytes(std::span(piece)));
      part.add_verified({offset, piece.size()}, xxh3_128(piece));
    }
  }
  const auto outcome = transfer({.paths = {here / "tree"}}, {.folder = there.path()});
  if (outcome.receiver_failure) std::rethrow_exception(outcome.receiver_failure);
  REQUIRE(outcome.is_success());
  CHECK(outcome.received.resumed > 0);
  for (std::size_t i = 0; i < files; ++i)
    CHECK(difference(read_file(there / ("tree/" + std::to_string(i))), noise(pieces * distance, i)) == "");
}

TEST_CASE("verified: several connections bring one file") {
  for (const auto digest : {DigestKind::xxh3_128, DigestKind::sha256}) {
    const Folder here, there;
    write(here / "file", noise(20'000'000));
    const auto outcome =
        transfer({.paths = {here / "file"}, .digest = digest, .streams = 4}, {.folder = there.path()});
    if (outcome.sender_failure) std::rethrow_exception(outcome.sender_failure);
    if (outcome.receiver_failure) std::rethrow_exception(outcome.receiver_failure);
    REQUIRE(outcome.is_success());
    check_same_file(here / "file", there / "file");
    CHECK(there.size() == 1);
  }
}

TEST_CASE("verified: holes are not sent, and are holes again") {
  const Folder here, there;
  write(here / "file", noise(3'000'000));
  std::ofstream file(here / "file", std::ios::binary | std::ios::in);
  file.seekp(100LL << 30);
  file << "tail";
  file.close();
  fs::resize_file(here / "file", 200LL << 30);
  const auto outcome = transfer({.paths = {here / "file"}}, {.folder = there.path()});
  REQUIRE(outcome.is_success());
  CHECK(fs::file_size(there / "file") == 200LL << 30);
  CHECK(status_of(there / "file").st_blocks <= status_of(here / "file").st_blocks + 2048);
  CHECK(outcome.received.bytes < 4'000'000);
  std::ifstream arrived(there / "file", std::ios::binary);
  std::string start(3'000'000, '\0'), tail(8, '\0');
  arrived.read(start.data(), 3'000'000);
  CHECK(start == noise(3'000'000));
  arrived.seekg(100LL << 30);
  arrived.read(tail.data(), 8);
  CHECK(tail == std::string("tail\0\0\0\0", 8));
}

TEST_CASE("verified: what is there already with its size and time is not sent again, and else not replaced") {
  const Folder here, there;
  write(here / "file", noise(2'000'000));
  REQUIRE(transfer({.paths = {here / "file"}}, {.folder = there.path()}).is_success());
  const auto again = transfer({.paths = {here / "file"}}, {.folder = there.path()});
  CHECK(again.is_success());
  CHECK(again.sent.files_there == 1);
  CHECK(again.received.bytes == 0);

  for (const auto* const content : {"small", "another"}) {
    write(there / "file", content);
    const auto refused = transfer({.paths = {here / "file"}}, {.folder = there.path()});
    const auto reason = thrown_by<Incomplete>([&] { std::rethrow_exception(refused.sent.first_failure); });
    REQUIRE(reason);
    CHECK(std::string(reason->what()).find("--force") != std::string::npos);
    CHECK(refused.received.files_failed == 1);
    CHECK(read_file(there / "file") == content);
  }
  CHECK(transfer({.paths = {here / "file"}}, {.folder = there.path(), .replaces = true}).is_success());
  check_same_file(here / "file", there / "file");
}
