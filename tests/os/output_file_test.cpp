#include "os/output_file.hpp"

#include <doctest/doctest.h>

#include "../support/descriptors.hpp"
#include "../support/shared_folder.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;

namespace {

void check_refused(const std::string& path, const std::string& words) {
  CAPTURE(path);
  const auto error = thrown_by<Error>([&] { open_output(path, O_CREAT | O_TRUNC | O_NONBLOCK); });
  REQUIRE(error);
  CHECK(error->number() == EACCES);
  CHECK(error->origin() == Origin::local_file);
  CHECK(std::string(error->what()).find(words) != std::string::npos);
}

void write_to(const std::string& path, const std::string& content, int flags = O_CREAT | O_TRUNC) {
  const auto fd = open_output(path, flags);
  REQUIRE(fd);
  REQUIRE(write(fd.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
}

}  // namespace

TEST_CASE("output file: our own links are followed, dangling or not, in a shared folder too") {
  const Folder elsewhere;
  const SharedFolder folder;
  fs::create_symlink("second", folder / "first");
  fs::create_symlink(elsewhere / "target", folder / "second");
  for (const auto* content : {"much longer", "shorter"}) {
    write_to(folder / "first", content);
    CHECK(read_file(elsewhere / "target") == content);
  }
  CHECK(follow_links(folder / "first") == elsewhere / "target");
  CHECK(follow_links(folder / "none") == folder / "none");
}

TEST_CASE(
    "output file: the link of another user in a shared folder is refused, wherever in the chain it is") {
  if (cannot_act_for_others()) return;
  const Folder elsewhere;
  const SharedFolder folder;
  const auto precious = write_file(elsewhere / "precious", "old");
  const auto planted = folder.plant_link("planted", precious);
  const auto dangling = folder.plant_link("dangling", elsewhere / "new");
  fs::create_symlink(planted, elsewhere / "ours");
  for (const auto& path : {planted, dangling, elsewhere / "ours"}) {
    check_refused(path, "it is a symbolic link of another user in a directory that everybody can write to");
    CHECK(thrown_by<Error>([&] { follow_links(path); }));
  }
  CHECK(read_file(precious) == "old");
  CHECK(elsewhere.size() == 2);
}

TEST_CASE("output file: a file and a fifo of another user in a shared folder are refused and not emptied") {
  if (cannot_act_for_others()) return;
  const SharedFolder folder;
  const auto file = folder.plant_file("file", "theirs");
  const auto fifo = folder.plant_fifo("fifo");
  const UniqueFd reader(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  check_refused(file, "it is a file of another user");
  check_refused(fifo, "it is a file of another user");
  CHECK(read_file(file) == "theirs");
}

TEST_CASE(
    "output file: what belongs to the owner of the shared folder is trusted, and any link in another one") {
  if (cannot_act_for_others()) return;
  const Folder elsewhere;
  const SharedFolder folder;
  const auto theirs = folder.plant_link("link", elsewhere / "target");
  REQUIRE(chown(folder.path().c_str(), somebody_else, somebody_else) == 0);
  write_to(theirs, "by the owner's link");
  CHECK(read_file(elsewhere / "target") == "by the owner's link");
  REQUIRE(chown(folder.path().c_str(), 0, 0) == 0);
  for (const mode_t mode : {0777, 01775}) {
    REQUIRE(chmod(folder.path().c_str(), mode) == 0);
    write_to(theirs, std::to_string(mode));
    CHECK(read_file(elsewhere / "target") == std::to_string(mode));
  }
}

TEST_CASE("output file: what /proc/self/fd names is opened though it has no path") {
  auto [read_end, write_end] = make_pipe_ends(0);
  write_to("/dev/fd/" + std::to_string(write_end.get()), "through a pipe", O_CREAT | O_APPEND);
  write_end.reset();
  CHECK(read_available(read_end.get()) == "through a pipe");
}

TEST_CASE("output file: what cannot be opened leaves the reason in errno") {
  const Folder folder;
  CHECK_FALSE(open_output(folder / "none/file", O_CREAT));
  CHECK(errno == ENOENT);
  CHECK_FALSE(open_output(folder.path(), O_CREAT));
  CHECK(errno == EISDIR);
}
