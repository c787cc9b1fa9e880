#include "flow/file_reader.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "base/error.hpp"
#include "flow/task_group.hpp"

using namespace sockx;
using namespace test;

namespace {

constexpr std::uint64_t file_size = 300'000;

Task<> read_all(FileReader& reader, int file) {
  for (std::uint64_t offset = 0; offset < file_size + 100'000; offset += 100'000)
    co_await reader.read(file, static_cast<off_t>(offset), 100'000);
}

}  // namespace

TEST_CASE(
    "file reader: it reads beside the loop, leaves the offset alone, and does not mind the end of the file") {
  const Folder folder;
  const UniqueFd file(open(write_file(folder / "file", noise(file_size)).c_str(), O_RDONLY | O_CLOEXEC));
  EventLoop loop;
  loop.run(read_all(loop.file_reader(), file.get()));
  CHECK(lseek(file.get(), 0, SEEK_CUR) == 0);
}

TEST_CASE("file reader: many wait for its few threads, and each has its turn") {
  const Folder folder;
  const UniqueFd file(open(write_file(folder / "file", noise(file_size)).c_str(), O_RDONLY | O_CLOEXEC));
  EventLoop loop;
  const auto read_fifty_times = [](int its_file) -> Task<> {
    auto& its_loop = co_await this_loop();
    TaskGroup group(its_loop);
    for (int i = 0; i < 50; ++i) group.spawn(read_all(its_loop.file_reader(), its_file));
    co_await group.join();
  };
  loop.run(read_fifty_times(file.get()));
}

TEST_CASE("file reader: what is dropped while its read goes on leaves nothing behind") {
  const Folder folder;
  const UniqueFd file(open(write_file(folder / "file", noise(file_size)).c_str(), O_RDONLY | O_CLOEXEC));
  EventLoop loop;
  const auto next_turn = []() -> Task<> {
    auto& its_loop = co_await this_loop();
    co_await its_loop.next_turn();
  };
  for (int i = 0; i < 100; ++i) loop.run(any(read_all(loop.file_reader(), file.get()), next_turn()));
  loop.run(read_all(loop.file_reader(), file.get()));
}

TEST_CASE("file reader: what cannot be read is left to the call that needs it") {
  const auto pipe = make_pipe_ends(0);
  EventLoop loop;
  loop.run(read_all(loop.file_reader(), pipe.read.get()));
  CHECK_THROWS_AS(loop.run(read_all(loop.file_reader(), -1)), Error);
}
