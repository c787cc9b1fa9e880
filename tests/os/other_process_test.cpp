#include "os/other_process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "../support/descriptors.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;

TEST_CASE("other process: a duplicate is the same open file, whose flags it shares") {
  const auto ends = make_pipe_ends();
  const OtherProcess self(getpid());
  const auto numbers = self.descriptors();
  CHECK(std::ranges::is_sorted(numbers));
  CHECK(std::ranges::count(numbers, ends.read.get()) == 1);
  const auto duplicate = self.duplicate(ends.read.get());
  REQUIRE(duplicate);
  put(ends.write.get(), "hello");
  CHECK(read_available(duplicate->get()) == "hello");
  CHECK(status_flags(duplicate->get()) == status_flags(ends.read.get()));
  CHECK((fcntl(duplicate->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("other process: a number that is not open gives nothing, a process that is not there an error") {
  constexpr int closed = 1000000;
  CHECK_FALSE(OtherProcess(getpid()).duplicate(closed));
  const pid_t child = fork();
  if (child == 0) _exit(0);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  const auto error = thrown_by<Error>([&] { OtherProcess gone(child); });
  REQUIRE(error);
  CHECK(error->number() == ESRCH);
  CHECK(error->origin() == Origin::process);
}
