#include "flow/line_reader.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "base/error.hpp"
#include "flow/task_group.hpp"

using namespace sockx;
using namespace test;

namespace {

using Lines = std::vector<std::string>;

Task<> read_lines(int fd, std::size_t longest, Lines& lines) {
  auto& loop = co_await this_loop();
  LineReader reader(loop, describe(fd, "input", Origin::local_file), longest);
  for (;;) {
    auto line = co_await reader.next();
    if (!line) co_return;
    lines.push_back(std::move(*line));
  }
}

/// The lines of a pipe that has `bytes` and its end.
Lines lines_of(const std::string& bytes, std::size_t longest = 100) {
  EventLoop loop;
  auto pipe = make_pipe_ends();
  put(pipe.write.get(), bytes);
  pipe.write.reset();
  Lines lines;
  loop.run(read_lines(pipe.read.get(), longest, lines));
  return lines;
}

Task<> put_in_pieces(int fd, Lines pieces) {
  auto& loop = co_await this_loop();
  for (const auto& piece : pieces) {
    put(fd, piece);
    co_await loop.next_turn();
  }
}

}  // namespace

TEST_CASE("line reader: lines come without their newline, the last one may lack it, and none is added") {
  CHECK(lines_of("") == Lines{});
  CHECK(lines_of("\n") == Lines{""});
  CHECK(lines_of("a\n") == Lines{"a"});
  CHECK(lines_of("a") == Lines{"a"});
  CHECK(lines_of("a\n\nb\r\nc") == Lines{"a", "", "b\r", "c"});
  CHECK(lines_of(std::string("a\0b\n", 4)) == Lines{std::string("a\0b", 3)});
}

TEST_CASE("line reader: a line is handed on as soon as it is whole, however it comes") {
  EventLoop loop;
  auto pipe = make_pipe_ends();
  Lines lines;
  const auto read_two = [](int fd, Lines& read) -> Task<> {
    auto& same_loop = co_await this_loop();
    LineReader reader(same_loop, describe(fd, "input", Origin::local_file), 100);
    for (int i = 0; i < 2; ++i) {
      auto line = co_await reader.next();
      read.push_back(line.value_or("none"));
    }
  };
  Lines pieces{"fi", "rst", "\nsec", "ond\nthird"};  // and no end
  loop.run(all(read_two(pipe.read.get(), lines), put_in_pieces(pipe.write.get(), std::move(pieces))));
  CHECK(lines == Lines{"first", "second"});
}

TEST_CASE("line reader: a line has a limit, and the longest is still whole") {
  CHECK(lines_of("12345\n12345", 5) == Lines{"12345", "12345"});
  for (const auto* bytes : {"123456", "123456\n", "1\n1234567"})
    CHECK_THROWS_WITH_AS(lines_of(bytes, 5), "input: a line has more than 5 bytes", BadInput);
}

TEST_CASE("line reader: a regular file has lines as well") {
  const Folder folder;
  write_file(folder / "file", "a\nb\n");
  const UniqueFd file(open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC));
  EventLoop loop;
  Lines lines;
  loop.run(read_lines(file.get(), 100, lines));
  CHECK(lines == Lines{"a", "b"});
}

TEST_CASE("line reader: what cannot be read is an error") {
  EventLoop loop;
  const UniqueFd folder(open("/", O_RDONLY | O_CLOEXEC));
  Lines lines;
  CHECK_THROWS_WITH_AS(loop.run(read_lines(folder.get(), 100, lines)),
                       doctest::Contains("read input: Is a directory"), Error);
}
