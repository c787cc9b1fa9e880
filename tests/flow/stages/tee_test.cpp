#include <doctest/doctest.h>
#include <sys/stat.h>

#include <memory>
#include <string>

#include "../../support/files.hpp"
#include "../../support/records.hpp"
#include "flow/stage.hpp"

using namespace sockx;
using namespace test;

TEST_CASE("tee: what passes stays as it is and is in the file at once") {
  const Folder folder;
  const auto tee = make_tee(std::make_shared<SideFile>(folder / "copy"));
  for (const auto* piece : {"one ", "", "two"}) {
    auto bytes = bytes_of(piece);
    tee->pass(bytes);
    CHECK(string_of(bytes) == piece);
    CHECK(tee->has_caught_up());
  }
  CHECK(read_file(folder / "copy") == "one two");
}

TEST_CASE("tee: a full pipe is behind until it is read and then has everything") {
  const Folder folder;
  const auto path = folder / "fifo";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  const UniqueFd reader(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const auto tee = make_tee(std::make_shared<SideFile>(path));
  const auto content = noise(300'000);
  auto bytes = bytes_of(content);
  tee->pass(bytes);
  CHECK(string_of(bytes) == content);
  CHECK_FALSE(tee->has_caught_up());
  CHECK_FALSE(tee->has_caught_up());
  std::string copy;
  while (!tee->has_caught_up()) copy += read_available(reader.get());
  copy += read_available(reader.get());
  CHECK(difference(copy, content) == "");
}

TEST_CASE("stages: they pass in their order and all have to catch up") {
  const Folder folder;
  const Stages stages{make_tee(std::make_shared<SideFile>(folder / "before")), make_crlf(),
                      make_tee(std::make_shared<SideFile>(folder / "after"))};
  auto bytes = bytes_of("line\n");
  pass_through(stages, bytes);
  CHECK(string_of(bytes) == "line\r\n");
  CHECK(have_caught_up(stages));
  CHECK(read_file(folder / "before") == "line\n");
  CHECK(read_file(folder / "after") == "line\r\n");
  CHECK(have_caught_up({}));
}
