#include "os/descriptor.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "../support/thrown.hpp"

using namespace sockx;
using namespace test;
using Kind = Descriptor::Kind;

TEST_CASE("describe: every kind of descriptor is known for what it is") {
  const Folder folder;
  const auto path = write_file(folder / "file", "");
  auto tcp = tcp_pair(), unix_stream = unix_pair(0);
  auto pipe = make_pipe_ends(), blocking_pipe = make_pipe_ends(0);
  struct Row {
    std::string what;
    UniqueFd fd;
    Kind kind;
    bool appends, may_block;
  };
  const Row rows[]{
      {"a file", UniqueFd(open(path.c_str(), O_RDWR)), Kind::file, false, false},
      {"a file to append to", UniqueFd(open(path.c_str(), O_WRONLY | O_APPEND)), Kind::file, true, false},
      {"a pipe", std::move(pipe.read), Kind::pipe, false, false},
      {"a blocking pipe", std::move(blocking_pipe.write), Kind::pipe, false, true},
      {"TCP", std::move(tcp.ours), Kind::tcp, false, false},
      {"blocking TCP over IPv6", UniqueFd(socket(AF_INET6, SOCK_STREAM, 0)), Kind::tcp, false, true},
      {"a blocking unix stream", std::move(unix_stream.ours), Kind::unix_stream, false, true},
      {"blocking UDP", UniqueFd(socket(AF_INET, SOCK_DGRAM, 0)), Kind::socket, false, true},
      {"blocking unix records", UniqueFd(socket(AF_UNIX, SOCK_SEQPACKET, 0)), Kind::seqpacket, false, true},
      {"the null device", open_null(), Kind::null_device, false, false},
      {"another device", UniqueFd(open("/dev/zero", O_RDONLY)), Kind::device, false, true},
      {"another device that does not block", UniqueFd(open("/dev/zero", O_RDONLY | O_NONBLOCK)), Kind::device,
       false, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    REQUIRE(row.fd);
    const auto described = describe(row.fd.get(), "its name", Origin::peer);
    CHECK(described.fd == row.fd.get());
    CHECK(described.name == "its name");
    CHECK(described.origin == Origin::peer);
    CHECK(described.kind == row.kind);
    CHECK(described.appends == row.appends);
    CHECK(described.may_block == row.may_block);
    CHECK(described.is_socket() == (row.kind == Kind::tcp || row.kind == Kind::unix_stream ||
                                    row.kind == Kind::seqpacket || row.kind == Kind::socket));
    CHECK(described.is_file() == (row.kind == Kind::file));
  }
}

TEST_CASE("describe: a descriptor that is not open is an error of its origin") {
  const int closed = make_pipe_ends().read.get();
  const auto error = thrown_by<Error>([&] { describe(closed, "stdin", Origin::local_file); });
  REQUIRE(error);
  CHECK(error->number() == EBADF);
  CHECK(error->origin() == Origin::local_file);
  CHECK(std::string(error->what()) == "stdin: Bad file descriptor");
}
