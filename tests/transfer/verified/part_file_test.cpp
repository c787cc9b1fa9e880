// Parts of files and their maps: what is believed of what an earlier transfer has left, and what is not.
#include "transfer/verified/part_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../../support/failing_call.hpp"
#include "../../support/files.hpp"
#include "../../support/in_child.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "base/words.hpp"
#include "flow/event_loop.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t chunk_size = 1 << 20;
constexpr FileFacts facts{4 * chunk_size, 1'000'000, 7, 0644};

/// A folder, and what is in it of the file "file".
struct Workplace {
  Folder folder;
  UniqueFd fd{open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  std::string beside = folder / (".sockx-" + hexadecimal(xxh3_128("file")));
  std::string content = noise(facts.size);

  PartFile part(bool is_resumable = true, const FileFacts& of = facts) const {
    return {{fd.get(), "file"}, "file", of, DigestKind::xxh3_128, is_resumable};
  }
  void add_chunk(PartFile& part, std::size_t number) const {
    const auto chunk = std::string_view(content).substr(number * chunk_size, chunk_size);
    part.write(number * chunk_size, std::as_bytes(std::span(chunk)));
    part.add_verified({number * chunk_size, chunk_size}, xxh3_128(chunk));
  }
  /// Leaves a part with these chunks.
  void leave(std::initializer_list<std::size_t> chunks) const {
    auto left = part();
    resume(left);
    for (const auto number : chunks) add_chunk(left, number);
  }
  static Clock::time_point resume(PartFile& part) {
    EventLoop loop;
    Clock::time_point last_active{};
    loop.run(part.resume({loop, last_active}));
    return last_active;
  }
  static bool complete(PartFile& part, std::uint64_t whole, bool replaces, bool sync) {
    EventLoop loop;
    Clock::time_point last_active{};
    return loop.run(part.complete(whole, replaces, sync, {loop, last_active}));
  }
  /// As though the machine had been started anew.
  void restart_machine() const {
    auto map = read_file(beside + ".map");
    const auto second_line = map.find('\n') + 1, third_line = map.find('\n', second_line) + 1;
    map.replace(third_line, 4, "????");
    write_file(beside + ".map", map);
  }
  void damage(std::size_t offset) const {
    auto bytes = read_file(beside + ".part");
    bytes.at(offset) ^= 1;
    write_file(beside + ".part", bytes);
  }
  /// As a disk does, and not a program.
  void damage_unseen(std::size_t offset) const {
    struct stat before {};
    REQUIRE(stat((beside + ".part").c_str(), &before) == 0);
    damage(offset);
    const timespec times[]{before.st_atim, before.st_mtim};
    REQUIRE(utimensat(AT_FDCWD, (beside + ".part").c_str(), times, 0) == 0);
  }
};

std::uint64_t bytes_resumed(const Workplace& workplace) {
  auto part = workplace.part();
  Workplace::resume(part);
  return part.verified().bytes();
}

}  // namespace

TEST_CASE("part file: what is in the map is there the next time") {
  const Workplace workplace;
  workplace.leave({0, 2});
  auto part = workplace.part();
  Workplace::resume(part);
  CHECK(part.verified().ranges() == std::vector<Range>{{0, chunk_size}, {2 * chunk_size, chunk_size}});
  CHECK(part.samples().size() == 2);
}

TEST_CASE("part file: a part that cannot be resumed takes the map of an earlier one with it") {
  const Workplace workplace;
  workplace.leave({0, 1});
  const FileFacts small{1000, 1, 0, 0644};
  {
    auto part = workplace.part(false, small);
    CHECK_FALSE(fs::exists(workplace.beside + ".map"));
    part.write(0, std::as_bytes(std::span(std::string_view("other content"))));
  }
  CHECK(workplace.folder.size() == 0);
}

TEST_CASE(
    "part file: after a start of the machine only what still has its digest is believed, and once only") {
  const Workplace workplace;
  workplace.leave({0, 1, 2});
  workplace.restart_machine();
  workplace.damage(chunk_size + 5);
  {
    auto part = workplace.part();
    CHECK(Workplace::resume(part) > Clock::now() - 60s);  // it was active until now
    CHECK(part.verified().ranges() == std::vector<Range>{{0, chunk_size}, {2 * chunk_size, chunk_size}});
    workplace.add_chunk(part, 3);
  }
  workplace.damage_unseen(5);  // which a second comparison would find
  CHECK(bytes_resumed(workplace) == 3 * chunk_size);
  CHECK(workplace.folder.size() == 2);
}

TEST_CASE("part file: a comparison that is broken off goes on from there") {
  const Workplace workplace;
  workplace.leave({0, 1, 2});
  workplace.restart_machine();
  {
    EventLoop loop;
    Clock::time_point last_active{};
    auto part = workplace.part();
    auto resuming = part.resume({loop, last_active});
    resuming.start(loop);  // compares one chunk
    CHECK(part.verified().bytes() == chunk_size);
  }
  CHECK(fs::exists(workplace.beside + ".map.new"));
  workplace.damage(5);               // which a second comparison would find
  workplace.damage(chunk_size + 5);  // and which the first has not come to
  CHECK(bytes_resumed(workplace) == 2 * chunk_size);
  CHECK(workplace.folder.size() == 2);
}

TEST_CASE("part file: what somebody else has written since the last transfer is found, wherever it is") {
  const Workplace workplace;
  workplace.leave({0, 1, 2});
  CHECK(bytes_resumed(workplace) == 3 * chunk_size);
  CHECK(bytes_resumed(workplace) == 3 * chunk_size);
  workplace.damage(chunk_size + 5);
  CHECK(bytes_resumed(workplace) == 2 * chunk_size);
  workplace.damage_unseen(5);  // the comparison has left a time to go by
  CHECK(bytes_resumed(workplace) == 2 * chunk_size);
}

TEST_CASE("part file: a transfer that was killed is gone on with, unless a sample is not what it was") {
  const Workplace workplace;
  const auto killed = in_child([&] {
    auto part = workplace.part();
    Workplace::resume(part);
    for (const std::size_t number : {0, 1, 2}) workplace.add_chunk(part, number);
    part.write(3 * chunk_size, std::as_bytes(std::span(std::string_view("the begin of another"))));
    kill(getpid(), SIGKILL);
    return 0;
  });
  CHECK_FALSE(killed.exited_with(0));
  const auto map = read_file(workplace.beside + ".map");
  CHECK(bytes_resumed(workplace) == 3 * chunk_size);
  write_file(workplace.beside + ".map", map);  // with no time to go by
  workplace.damage(5);
  CHECK(bytes_resumed(workplace) == 2 * chunk_size);
}

TEST_CASE("part file: nothing stays of what fsync has failed for") {
  const Workplace workplace;
  const auto end = in_child([&] {
    auto part = workplace.part();
    Workplace::resume(part);
    for (const auto number : {0, 1, 2, 3}) workplace.add_chunk(part, static_cast<std::size_t>(number));
    fail_call(SYS_fsync, EIO);
    return thrown_by<Error>([&] { Workplace::complete(part, facts.size, false, true); }) ? 0 : 1;
  });
  CHECK(end.exited_with(0));
  CHECK(workplace.folder.size() == 0);
}

TEST_CASE(
    "part file: a part whose writing back is interrupted keeps a mode with which it can be opened again") {
  const Workplace workplace;
  const FileFacts read_only{facts.size, facts.seconds, facts.nanoseconds, 0444};
  {
    auto part = workplace.part(true, read_only);
    Workplace::resume(part);
    for (const std::size_t number : {0, 1, 2, 3}) workplace.add_chunk(part, number);
    EventLoop loop;
    Clock::time_point last_active{};
    while (Clock::now() - loop.now() < 20ms) continue;  // a turn that has been long already
    auto completing = part.complete(facts.size, false, true, {loop, last_active});
    completing.start(loop);  // writes back a step
    CHECK(fs::status(workplace.beside + ".part").permissions() == fs::perms(0600));
  }
  REQUIRE_FALSE(fs::exists(workplace.folder / "file"));
  auto part = workplace.part(true, read_only);
  Workplace::resume(part);
  CHECK(part.verified().bytes() == facts.size);
}

TEST_CASE("part file: a part that does not get its name keeps a mode with which it can be opened again") {
  const Workplace workplace;
  write_file(workplace.folder / "file", "kept");
  {
    auto part = workplace.part(true, {facts.size, facts.seconds, facts.nanoseconds, 0444});
    Workplace::resume(part);
    for (const std::size_t number : {0, 1, 2, 3}) workplace.add_chunk(part, number);
    CHECK_FALSE(Workplace::complete(part, facts.size, false, false));
  }
  CHECK(fs::status(workplace.beside + ".part").permissions() == fs::perms(0600));
}

TEST_CASE("part file: where renameat2 knows no flags a file gets its name all the same, and replaces none") {
  const Workplace workplace;
  for (const bool is_there : {false, true}) {
    CAPTURE(is_there);
    if (is_there) write_file(workplace.folder / "file", "kept");
    const auto end = in_child([&] {
      auto part = workplace.part(false, {13, 1, 0, 0644});
      part.write(0, std::as_bytes(std::span(std::string_view("other content"))));
      part.add_verified({0, 13}, xxh3_128("other content"));
      fail_call(SYS_renameat2, EINVAL);
      return Workplace::complete(part, 13, false, false) ? 0 : 1;
    });
    CHECK(end.exited_with(is_there ? 1 : 0));
    CHECK(read_file(workplace.folder / "file") == (is_there ? "kept" : "other content"));
    CHECK(workplace.folder.size() == 1);
  }
}

TEST_CASE("part file: what somebody else has put in its place does not get its name") {
  const Workplace workplace;
  {
    auto part = workplace.part();
    Workplace::resume(part);
    for (const std::size_t number : {0, 1, 2, 3}) workplace.add_chunk(part, number);
    fs::rename(workplace.beside + ".part", workplace.folder / "elsewhere");
    write_file(workplace.beside + ".part", "not it");
    CHECK(thrown_by<Error>([&] { Workplace::complete(part, facts.size, true, false); }));
  }
  CHECK_FALSE(fs::exists(workplace.folder / "file"));
  CHECK(read_file(workplace.beside + ".part") == "not it");
}

TEST_CASE("part file: a map that cannot be removed does not undo a file that has its name") {
  const Workplace workplace;
  {
    auto part = workplace.part();
    Workplace::resume(part);
    for (const std::size_t number : {0, 1, 2, 3}) workplace.add_chunk(part, number);
    fs::remove(workplace.beside + ".map");
    fs::create_directory(workplace.beside + ".map");
    CHECK(Workplace::complete(part, facts.size, false, false));
  }
  CHECK(read_file(workplace.folder / "file") == workplace.content);
}
