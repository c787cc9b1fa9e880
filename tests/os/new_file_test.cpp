#include "os/new_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "../support/shared_folder.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// Sets the umask while it lives.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { umask(before_); }

 private:
  mode_t before_;
};

void write_new(const std::string& path, const std::string& content, NewFile::Options options = {},
               bool sync = false) {
  NewFile file(path, options);
  file.write(content);
  file.complete(sync);
}

}  // namespace

TEST_CASE("new file: it has its name only when it is complete") {
  const Folder folder;
  const auto path = folder / "file";
  {
    NewFile file(path, {});
    file.write("content");
    CHECK_FALSE(fs::exists(path));
    CHECK(folder.size() == 1);  // the temporary one is in the same folder
    file.complete(false);
    CHECK(read_file(path) == "content");
  }
  CHECK(read_file(path) == "content");
  CHECK(folder.size() == 1);
}

TEST_CASE("new file: dropped before it is complete it leaves the old file and nothing else") {
  const Folder folder;
  const auto path = write_file(folder / "file", "old");
  const auto before = open_descriptors();
  {
    NewFile file(path, {});
    file.write("new");
  }
  CHECK(read_file(path) == "old");
  CHECK(folder.size() == 1);
  CHECK(open_descriptors() == before);
}

TEST_CASE("new file: the content is on disk before the name when asked for") {
  const Folder folder;
  write_new(folder / "file", "content", {}, true);
  CHECK(read_file(folder / "file") == "content");
}

TEST_CASE("new file: its mode is 0666 less the umask or that of the file replaced") {
  const Folder folder;
  for (const mode_t mask : {0022, 0077, 0000}) {
    const Umask set(mask);
    const auto path = folder / ("new-" + std::to_string(mask));
    write_new(path, "");
    CHECK(mode_of(path) == (0666 & ~mask));
    CHECK(umask(mask) == mask);  // left as it was
  }
  const auto old = write_file(folder / "old", "");
  for (const mode_t mode : {0600, 0755, 0444}) {
    REQUIRE(chmod(old.c_str(), mode) == 0);
    write_new(old, "");
    CHECK(mode_of(old) == mode);
  }
}

TEST_CASE(
    "new file: it has the set-user-ID and set-group-ID bits of the old file only with its owner and group") {
  if (cannot_act_for_others()) return;
  struct Row {
    uid_t user;
    gid_t group;
    mode_t kept;
  };
  const Umask set(022);
  const Folder folder;
  const auto path = folder / "tool";
  for (const auto& [user, group, kept] :
       {Row{0, 0, 07755}, Row{somebody_else, 0, 0755}, Row{0, somebody_else, 0755},
        Row{somebody_else, somebody_else, 0755}}) {
    CAPTURE(user);
    CAPTURE(group);
    write_file(path, "old");
    REQUIRE(chown(path.c_str(), user, group) == 0);
    REQUIRE(chmod(path.c_str(), 07755) == 0);
    write_new(path, "new");
    CHECK(mode_of(path) == kept);
    fs::remove(path);
  }
}

TEST_CASE("new file: it has the permissions of the old file, whoever owned that, and whatever the umask") {
  if (cannot_act_for_others()) return;
  const Umask set(027);
  const Folder folder;
  const auto path = folder / "file";
  for (const auto& [user, group] :
       {std::pair<uid_t, gid_t>{somebody_else, 0}, {0, somebody_else}, {somebody_else, somebody_else}}) {
    CAPTURE(user);
    CAPTURE(group);
    write_file(path, "old");
    REQUIRE(chown(path.c_str(), user, group) == 0);
    REQUIRE(chmod(path.c_str(), 0664) == 0);
    write_new(path, "new");
    CHECK(mode_of(path) == 0664);
    fs::remove(path);
  }
}

TEST_CASE(
    "new file: in place of a file planted in a shared folder it is not more open than the umask has it") {
  if (cannot_act_for_others()) return;
  const Umask set(027);
  const SharedFolder folder;
  const auto path = folder.plant_file("file", "old");
  REQUIRE(chmod(path.c_str(), 0666) == 0);
  write_new(path, "new");
  CHECK(mode_of(path) == 0640);
}

TEST_CASE("new file: while it is incomplete nobody else can read or run it") {
  const Folder folder;
  const auto path = write_file(folder / "tool", "old");
  REQUIRE(chmod(path.c_str(), 04755) == 0);
  NewFile file(path, {});
  for (const auto& entry : fs::directory_iterator(folder.path()))
    if (entry.path() != path) CHECK(mode_of(entry.path()) == 0600);
  file.complete(false);
  CHECK(mode_of(path) == 04755);
}

TEST_CASE("new file: the link of another user in a shared folder is refused") {
  if (cannot_act_for_others()) return;
  const Folder elsewhere;
  const SharedFolder folder;
  const auto precious = write_file(elsewhere / "precious", "old");
  const auto planted = folder.plant_link("planted", precious);
  const auto fifo = folder.plant_fifo("fifo");
  const UniqueFd reader(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  for (const auto& path : {planted, fifo}) {
    const auto error = thrown_by<Error>([&] { NewFile file(path, {}); });
    REQUIRE(error);
    CHECK(error->number() == EACCES);
  }
  CHECK(thrown_by<Error>([&] { check_folder_of(planted); }));
  CHECK(read_file(precious) == "old");
  CHECK(elsewhere.size() == 1);
}

TEST_CASE("new file: symbolic links are followed and stay") {
  const Folder folder;
  fs::create_directory(folder / "below");
  const auto target = folder / "below/target";
  fs::create_symlink("second", folder / "first");
  fs::create_symlink("below/target", folder / "second");
  for (const auto* content : {"into a dangling link", "over what the link points to"}) {
    write_new(folder / "first", content);
    CHECK(read_file(target) == content);
    CHECK(fs::is_symlink(folder / "first"));
    CHECK(fs::is_symlink(folder / "second"));
    CHECK_FALSE(fs::is_symlink(target));
  }
  fs::create_symlink(target, folder / "absolute");
  write_new(folder / "absolute", "by an absolute link");
  CHECK(read_file(target) == "by an absolute link");
}

TEST_CASE("new file: the failures of opening name the file as it was typed") {
  const Folder folder;
  fs::create_directory(folder / "directory");
  fs::create_symlink("loop", folder / "loop");
  struct Row {
    std::string name;
    int number;
  };
  for (const auto& [name, number] :
       {Row{"directory", EISDIR}, Row{"loop", ELOOP}, Row{"no/such/folder", ENOENT}}) {
    CAPTURE(name);
    const auto path = folder / name;
    const auto error = thrown_by<Error>([&] { NewFile file(path, {}); });
    REQUIRE(error);
    CHECK(error->number() == number);
    CHECK(error->origin() == Origin::local_file);
    CHECK(std::string(error->what()).find(name) != std::string::npos);
  }
}

TEST_CASE("new file: an existing file is kept when asked for, whenever it came") {
  const Folder folder;
  const auto path = write_file(folder / "file", "old");
  const auto at_once = thrown_by<Error>([&] { NewFile file(path, {.keep_existing = true}); });
  REQUIRE(at_once);
  CHECK(at_once->number() == EEXIST);

  const auto later = folder / "later";
  const auto at_the_end = thrown_by<Error>([&] {
    NewFile file(later, {.keep_existing = true});
    write_file(later, "came meanwhile");
    file.complete(false);
  });
  REQUIRE(at_the_end);
  CHECK(at_the_end->number() == EEXIST);
  CHECK(at_the_end->origin() == Origin::local_file);
  CHECK(read_file(path) == "old");
  CHECK(read_file(later) == "came meanwhile");
  CHECK(folder.size() == 2);
}

TEST_CASE("new file: a fifo and a device are written in place") {
  const Folder folder;
  const auto path = folder / "fifo";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  const UniqueFd reader(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  write_new(path, "content", {}, true);
  CHECK(read_available(reader.get()) == "content");
  CHECK(fs::is_fifo(path));
  CHECK(folder.size() == 1);
  write_new("/dev/null", "content");
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("new file: a full disk is an error of the file") {
  NewFile file("/dev/full", {});
  const auto error = thrown_by<Error>([&] { file.write("content"); });
  REQUIRE(error);
  CHECK(error->number() == ENOSPC);
  CHECK(error->origin() == Origin::local_file);
}
