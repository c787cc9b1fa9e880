// The folder that received files stay in, where the kernel helps with that and where it does not.
#include "transfer/verified/confined_folder.hpp"

#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <cerrno>

#include "../../support/failing_call.hpp"
#include "../../support/files.hpp"
#include "../../support/in_child.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;

TEST_CASE("confined folder: a kernel or a filter without openat2 changes nothing") {
  for (const int error : {0, ENOSYS, EPERM}) {
    CAPTURE(error);
    const Folder outside;
    fs::create_directory(outside / "in");
    fs::create_directory_symlink("..", outside / "in/link");
    fs::create_directory_symlink("a", outside / "in/within");
    const auto end = in_child([&] {
      if (error != 0) fail_call(SYS_openat2, error);
      ConfinedFolder folder(outside / "in");
      const bool is_reached = folder.place("a/b/leaf").folder >= 0 && folder.open_below("a/b");
      const bool is_refused = thrown_by<Incomplete>([&] { folder.place("link/leaf"); }).has_value() &&
                              thrown_by<Incomplete>([&] { folder.place("within/leaf"); }).has_value() &&
                              thrown_by<Error>([&] { folder.place("../leaf"); }).has_value();
      return is_reached && is_refused ? 0 : 1;
    });
    CHECK(end.exited_with(0));
    CHECK(fs::is_directory(outside / "in/a/b"));
    CHECK(outside.size() == 1);
  }
}
