// A disk whose calls take long: whatever is done there, the loop has its turns between, for deadlines and
// signals.
#include <fcntl.h>
#include <sys/syscall.h>

#include "../../support/connections.hpp"
#include "../../support/slow_calls.hpp"
#include "ends.hpp"
#include "transfer/verified/part_file.hpp"
#include "transfer/verified/source.hpp"
#include "transfer/verified/source_walk.hpp"

using namespace sockx;
using namespace test;

namespace {

const std::vector<long> slow_reading{SYS_pread64};
const std::vector<long> slow_writing{SYS_pwrite64, SYS_sync_file_range, SYS_fsync};
const std::vector<long> slow_walking{SYS_newfstatat, SYS_openat, SYS_getdents64, SYS_readlink};

void check_calls(const SlowCalls& calls, std::size_t least, std::size_t most_in_a_turn) {
  if (calls.all == 0) return;
  CHECK(calls.all >= least);
  CHECK(calls.most_in_a_turn <= most_in_a_turn);
}

/// A file of which the whole is in a part, and perhaps has been touched since.
struct PlaceOfPart {
  static constexpr std::size_t chunk_size = 1 << 20, chunks = 4;
  Folder folder;
  UniqueFd fd{open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

  PartFile open_part() const {
    const FileFacts of_it{chunks * chunk_size, 1'000'000, 0, 0644};
    return {{fd.get(), "file"}, "file", of_it, DigestKind::xxh3_128, true};
  }
  void fill(PartFile& part) const {
    part.restart();
    const auto content = noise(chunk_size);
    for (std::size_t i = 0; i < chunks; ++i) {
      part.write(i * chunk_size, std::as_bytes(std::span(content)));
      part.add_verified({i * chunk_size, chunk_size}, xxh3_128(content));
    }
  }
  void touch() const {
    for (const auto& entry : fs::directory_iterator(folder.path()))
      if (entry.path().extension() == ".part") fs::last_write_time(entry, fs::file_time_type::clock::now());
  }
};

}  // namespace

TEST_CASE("slow disk: a tree is walked in steps") {
  const Folder here;
  for (const auto* const folder : {"tree", "tree/a", "tree/b"}) {
    fs::create_directory(here / folder);
    for (int i = 0; i < 10; ++i) write_file(here / folder + "/file" + std::to_string(i), "content");
    fs::create_symlink("file0", here / folder + "/link");
  }
  const auto calls = most_calls_in_a_turn(slow_walking, [&](EventLoop& loop) -> Task<> {
    Clock::time_point last_active;
    std::vector<std::string> paths{here / "tree"};
    const auto totals = co_await count_sources(std::move(paths), {loop, last_active});
    if (totals.files != 33) throw std::runtime_error("not all were found");
  });
  check_calls(calls, 60, 8);
}

TEST_CASE("slow disk: a tree is sent and received in steps") {
  const Folder here, there;
  fs::create_directory(here / "tree");
  for (int i = 0; i < 15; ++i) write_file(here / "tree/file" + std::to_string(i), "content");
  const auto calls = most_calls_in_a_turn(slow_walking, [&](EventLoop& loop) -> Task<> {
    Outcome outcome;
    auto pair = unix_pair();
    const auto none = [](auto...) -> Task<Connection> { throw std::runtime_error("one is enough"); };
    auto sending = send_verified(connection(loop, std::move(pair.ours), "the receiver"), none,
                                 {.paths = {here / "tree"}}, outcome.sent);
    auto receiving = receive_verified(connection(loop, std::move(pair.theirs), "the sender"), none,
                                      {.folder = there.path()}, outcome.received);
    co_await all(std::move(sending), std::move(receiving));
    if (outcome.received.files != 15) throw std::runtime_error("not all arrived");
    co_await loop.next_turn();
  });
  check_calls(calls, 60, 8);
}

TEST_CASE("slow disk: a file is read for its digest in steps, whatever of it is asked for") {
  const Folder here;
  write_file(here / "file", noise(2'000'000));
  const SourceFile source(here / "file");
  const auto calls = most_calls_in_a_turn(slow_reading, [&](EventLoop& loop) -> Task<> {
    Clock::time_point last_active;
    Hasher hasher(DigestKind::xxh3_128);
    const auto digest = co_await source.digest_of({0, 2'000'000}, hasher, {loop, last_active});
    std::vector<std::byte> bytes(2'000'000);
    co_await source.read(0, bytes, {loop, last_active});
    hasher.add(bytes);
    if (hasher.finish() != digest) throw std::runtime_error("another digest");
  });
  check_calls(calls, 30, 2);  // one of the thread that reads ahead, and then one of the loop
}

TEST_CASE("slow disk: a part is compared in steps, also when only its samples are") {
  for (const bool is_touched : {false, true}) {
    CAPTURE(is_touched);
    const PlaceOfPart place;
    {
      auto part = place.open_part();
      place.fill(part);
    }
    if (is_touched) place.touch();
    const auto calls = most_calls_in_a_turn(slow_reading, [&](EventLoop& loop) -> Task<> {
      Clock::time_point last_active;
      auto part = place.open_part();
      co_await part.resume({loop, last_active});
      if (part.verified().bytes() != PlaceOfPart::chunks * PlaceOfPart::chunk_size)
        throw std::runtime_error("it is not there");
    });
    check_calls(calls, is_touched ? 64 : PlaceOfPart::chunks, 6);
  }
}

TEST_CASE("slow disk: a file is written back in steps before fsync") {
  const PlaceOfPart place;
  auto part = place.open_part();
  place.fill(part);
  const auto calls = most_calls_in_a_turn(slow_writing, [&](EventLoop& loop) -> Task<> {
    Clock::time_point last_active;
    co_await part.complete(PlaceOfPart::chunks * PlaceOfPart::chunk_size, false, true, {loop, last_active});
  });
  check_calls(calls, 6, 3);
}

TEST_CASE("slow disk: chunks are written in steps, compressed or not") {
  for (const bool compresses : {false, true}) {
    CAPTURE(compresses);
    const Folder here, there;
    write_file(here / "file", std::string(3'000'000, 'x'));
    const auto calls = most_calls_in_a_turn({SYS_pwrite64}, [&](EventLoop& loop) -> Task<> {
      Outcome outcome;
      auto pair = unix_pair();
      const auto none = [](auto...) -> Task<Connection> { throw std::runtime_error("one is enough"); };
      auto sending = send_verified(connection(loop, std::move(pair.ours), "the receiver"), none,
                                   {.paths = {here / "file"}, .compresses = compresses}, outcome.sent);
      auto receiving = receive_verified(connection(loop, std::move(pair.theirs), "the sender"), none,
                                        {.folder = there.path()}, outcome.received);
      co_await all(std::move(sending), std::move(receiving));
      co_await loop.next_turn();
    });
    check_calls(calls, 10, 3);
  }
}
