#include "os/unique_fd.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../support/descriptors.hpp"
#include "../support/in_child.hpp"

using namespace sockx;
using namespace test;

namespace {

bool is_null_device(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && status.st_rdev == makedev(1, 3);
}

}  // namespace

TEST_CASE("unique fd: it closes what it owns once and hands it over when moved") {
  const auto before = open_descriptors();
  {
    UniqueFd first(open_null());
    const int number = first.get();
    UniqueFd second(std::move(first));
    CHECK(second.get() == number);
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): that it is empty is the point
    CHECK(is_open(number));
    second = UniqueFd();
    CHECK_FALSE(is_open(number));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("unique fd: reset closes the old one and takes the new one") {
  UniqueFd fd(open_null());
  const int old = fd.get();
  const int next = dup(old);
  fd.reset(next);
  CHECK_FALSE(is_open(old));
  CHECK(fd.get() == next);
  fd.reset(next);  // the same: stays open
  CHECK(is_open(next));
}

TEST_CASE("unique fd: release gives the descriptor up without closing it") {
  UniqueFd fd(open_null());
  const int number = fd.release();
  CHECK_FALSE(fd);
  CHECK(is_open(number));
  close(number);
}

TEST_CASE("unique fd: the numbers 0 to 2 are never left free") {
  for (int number = 0; number <= 2; ++number) {
    CAPTURE(number);
    const auto end = in_child([number] {
      const auto pipe = make_pipe_ends();
      if (dup2(pipe.write.get(), number) != number) return 1;
      UniqueFd(number).reset();
      return is_null_device(number) ? 0 : 2;
    });
    CHECK(end.exited_with(0));
  }
}

TEST_CASE("unique fd: /dev/null in place of a standard stream is inherited by children") {
  const auto end = in_child([] {
    UniqueFd(1).reset();
    return (fcntl(1, F_GETFD) & FD_CLOEXEC) == 0 ? 0 : 1;
  });
  CHECK(end.exited_with(0));
}
