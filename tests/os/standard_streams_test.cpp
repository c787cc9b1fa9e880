#include "os/standard_streams.hpp"

#include <doctest/doctest.h>

#include <string>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "../support/in_child.hpp"

using namespace sockx;
using namespace test;
using Kind = Descriptor::Kind;

TEST_CASE("standard streams: a pipe is made non-blocking without the shell's end noticing") {
  const auto lent = make_pipe_ends(0);
  const auto end = in_child([&lent] {
    if (dup2(lent.read.get(), 0) != 0 || dup2(lent.write.get(), 1) != 1) return 1;
    const auto in = take_standard_input(), out = take_standard_output();
    const auto described_in = describe_standard_stream(0), described_out = describe_standard_stream(1);
    const bool taken = in.get() == 0 && out.get() == 1;
    const bool nonblocking = (status_flags(0) & status_flags(1) & O_NONBLOCK) != 0;
    const bool known = described_in.kind == Kind::pipe && described_out.kind == Kind::pipe;
    return taken && nonblocking && known && !described_in.may_block && !described_out.may_block ? 0 : 2;
  });
  CHECK(end.exited_with(0));
  CHECK((status_flags(lent.read.get()) & O_NONBLOCK) == 0);
  CHECK((status_flags(lent.write.get()) & O_NONBLOCK) == 0);
}

TEST_CASE("standard streams: a pipe taken over is still the same pipe") {
  const auto input = make_pipe_ends(0), output = make_pipe_ends(0);
  put(input.write.get(), "question");
  const auto end = in_child([&] {
    dup2(input.read.get(), 0);
    dup2(output.write.get(), 1);
    const auto in = take_standard_input(), out = take_standard_output();
    return read_available(in.get()) == "question" && write(out.get(), "answer", 6) == 6 ? 0 : 1;
  });
  CHECK(end.exited_with(0));
  char answer[16];
  CHECK(read(output.read.get(), answer, sizeof answer) == 6);
}

TEST_CASE("standard streams: a regular file keeps its offset and O_APPEND") {
  const Folder folder;
  const auto input = write_file(folder / "input", "0123456789"), log = write_file(folder / "log", "before:");
  const UniqueFd source(open(input.c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd sink(open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  REQUIRE(lseek(source.get(), 5, SEEK_SET) == 5);
  const auto end = in_child([&] {
    dup2(source.get(), 0);
    dup2(sink.get(), 1);
    const auto in = take_standard_input(), out = take_standard_output();
    const auto bytes = read_available(in.get());
    if (!describe_standard_stream(1).appends) return 1;
    return write(out.get(), bytes.data(), bytes.size()) == 5 ? 0 : 2;
  });
  CHECK(end.exited_with(0));
  CHECK(read_file(log) == "before:56789");
  CHECK(lseek(source.get(), 0, SEEK_CUR) == 10);  // the offset is shared with whoever lent it
  CHECK((status_flags(source.get()) & O_NONBLOCK) == 0);
}

TEST_CASE("standard streams: a socket is taken as it is") {
  const auto sockets = unix_pair(0);
  const auto end = in_child([&sockets] {
    dup2(sockets.ours.get(), 0);
    const auto in = take_standard_input();
    return in.get() == 0 && describe_standard_stream(0).kind == Kind::unix_stream ? 0 : 1;
  });
  CHECK(end.exited_with(0));
  CHECK((status_flags(sockets.ours.get()) & O_NONBLOCK) == 0);
}

TEST_CASE("standard streams: whichever is closed is opened on the null device") {
  for (int closed = 0; closed < 8; ++closed) {
    CAPTURE(closed);
    const auto end = in_child([closed] {
      const auto lent = make_pipe_ends();
      for (int number = 0; number <= 2; ++number) {
        dup2(lent.write.get(), number);
        if ((closed & 1 << number) != 0) close(number);
      }
      fill_closed_standard_streams();
      for (int number = 0; number <= 2; ++number) {
        const auto expected = (closed & 1 << number) != 0 ? Kind::null_device : Kind::pipe;
        if (describe(number, "", Origin::system).kind != expected) return 1;
      }
      return 0;
    });
    CHECK(end.exited_with(0));
  }
}

TEST_CASE("standard streams: input is a local file and output is the standard output") {
  CHECK(describe_standard_stream(0).origin == Origin::local_file);
  CHECK(describe_standard_stream(0).name == "stdin");
  CHECK(describe_standard_stream(1).origin == Origin::standard_output);
  CHECK(describe_standard_stream(1).name == "stdout");
}
