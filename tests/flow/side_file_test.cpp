#include "flow/side_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <string>
#include <thread>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "../support/in_child.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;

namespace {

std::string make_fifo(const Folder& folder) {
  auto path = folder / "fifo";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  return path;
}

UniqueFd open_reader(const std::string& path) {
  return UniqueFd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

}  // namespace

TEST_CASE("side file: it is created or emptied and has what was put at once") {
  const Folder folder;
  for (const auto* before : {"", "much longer than what comes"}) {
    if (*before != '\0') write_file(folder / "file", before);
    SideFile file(folder / "file");
    CHECK(read_file(folder / "file").empty());
    file.put("one ");
    file.put("two");
    CHECK(file.flush());
    CHECK(read_file(folder / "file") == "one two");
  }
}

TEST_CASE("side file: what cannot be opened is an error of a local file") {
  const Folder folder;
  const auto path = folder / "none/file";
  const auto error = thrown_by<Error>([&] { SideFile file(path); });
  REQUIRE(error);
  CHECK(error->number() == ENOENT);
  CHECK(error->origin() == Origin::local_file);
  CHECK(std::string(error->what()) == "open " + path + ": No such file or directory");
}

TEST_CASE("side file: a full disk is told") {
  SideFile file("/dev/full");
  const auto error = thrown_by<Error>([&] { file.put("lost"); });
  REQUIRE(error);
  CHECK(error->number() == ENOSPC);
  CHECK(error->origin() == Origin::local_file);
}

TEST_CASE("side file: a pipe that is full keeps the rest until it is read") {
  const Folder folder;
  const auto path = make_fifo(folder);
  const auto reader = open_reader(path);
  const auto content = noise(300'000);
  std::string copy;
  SideFile file(path);
  file.put(content.substr(0, 200'000));
  CHECK_FALSE(file.flush());
  file.put(content.substr(200'000));
  while (!file.flush()) copy += read_available(reader.get());
  copy += read_available(reader.get());
  CHECK(difference(copy, content) == "");
}

TEST_CASE("side file: a fifo is opened once somebody reads it") {
  const Folder folder;
  const auto path = make_fifo(folder);
  std::string heard;
  std::thread reader([&] { heard = read_file(path); });  // opens in blocking mode: each waits for the other
  { SideFile(path).put("said"); }
  reader.join();
  CHECK(heard == "said");
}

TEST_CASE("side file: what is put while nobody reads the fifo is kept, and nobody waits") {
  const Folder folder;
  const auto path = make_fifo(folder);
  SideFile file(path);
  CHECK(file.flush());  // there is nothing yet
  file.put("one ");
  CHECK_FALSE(file.flush());
  const auto reader = open_reader(path);
  file.put("two");
  CHECK(file.flush());
  CHECK(read_available(reader.get()) == "one two");
}

TEST_CASE("side file: the file of standard input is not emptied") {
  const Folder folder;
  const auto path = write_file(folder / "input", "precious");
  const auto end = in_child([&path] {
    const UniqueFd input(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    dup2(input.get(), STDIN_FILENO);
    try {
      const SideFile file(path);
    } catch (const BadInput&) {
      return 0;
    }
    return 1;
  });
  CHECK(end.exited_with(0));
  CHECK(read_file(path) == "precious");
}

TEST_CASE("side file: a reader that has gone is an error of a local file, and dropping it is none") {
  signal(SIGPIPE, SIG_IGN);
  const Folder folder;
  const auto path = make_fifo(folder);
  auto reader = open_reader(path);
  SideFile file(path);
  file.put("read");
  CHECK(read_available(reader.get()) == "read");
  reader.reset();
  const auto error = thrown_by<Error>([&] { file.put("unread"); });
  REQUIRE(error);
  CHECK(error->number() == EPIPE);
  CHECK(error->origin() == Origin::local_file);
}

TEST_CASE("side file: dropped while a reader is slow it still delivers everything") {
  const Folder folder;
  const auto path = make_fifo(folder);
  const auto reader = open_reader(path);
  const auto content = noise(500'000);
  std::optional<SideFile> file(std::in_place, path);
  file->put(content);
  REQUIRE_FALSE(file->flush());
  fcntl(reader.get(), F_SETFL, 0);
  std::string copy;
  std::thread slow([&] { copy = read_available(reader.get()); });
  file.reset();
  slow.join();
  CHECK(difference(copy, content) == "");
}
