#include "os/records.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <string>

#include "../support/records.hpp"
#include "../support/thrown.hpp"
#include "os/fd_passing.hpp"
#include "os/io_result.hpp"

using namespace sockx;
using namespace test;
using State = IoResult::State;

TEST_CASE("records: each is received whole and alone, and the end is told from an empty one") {
  auto sockets = record_pair();
  const auto ours = peer(sockets.ours), theirs = peer(sockets.theirs);
  tell_empty_records_from_the_end(ours);
  std::array<std::byte, 100> buffer;
  CHECK(receive_record(ours, buffer).state == State::again);
  for (const auto* record : {"one", "", "three"}) {
    const auto sent = send_record(theirs, bytes_of(record));
    CHECK(sent.state == State::moved);
    CHECK(sent.bytes == std::string(record).size());
  }
  sockets.theirs.reset();
  for (const auto* record : {"one", "", "three"}) {
    const auto got = receive_record(ours, buffer);
    CHECK(got.state == State::moved);
    CHECK(string_of(std::span(buffer).first(got.bytes)) == record);
  }
  CHECK(receive_record(ours, buffer).state == State::eof);
  CHECK(receive_record(ours, buffer).state == State::eof);
}

TEST_CASE("records: where nobody was asked to tell, an empty one counts as the end") {
  const auto sockets = record_pair();
  put_record(sockets.theirs.get(), "");
  std::array<std::byte, 100> buffer;
  CHECK(receive_record(peer(sockets.ours), buffer).state == State::eof);
}

TEST_CASE("records: one that fits exactly is no error and one byte more is, with both sizes") {
  const auto sockets = record_pair();
  std::array<std::byte, 5> buffer;
  put_record(sockets.theirs.get(), "12345");
  put_record(sockets.theirs.get(), "123456");
  put_record(sockets.theirs.get(), "next");
  CHECK(receive_record(peer(sockets.ours), buffer).bytes == 5);
  const auto error = thrown_by<Error>([&] { receive_record(peer(sockets.ours), buffer); });
  REQUIRE(error);
  CHECK(error->number() == EMSGSIZE);
  CHECK(std::string(error->what()) ==
        "recvmsg peer: a record of 6 bytes, but at most 5 are taken: Message too long");
  CHECK(receive_record(peer(sockets.ours), buffer).bytes == 4);
}

TEST_CASE("records: dropping takes one of any size and sees the end") {
  auto sockets = record_pair();
  const auto ours = peer(sockets.ours);
  tell_empty_records_from_the_end(ours);
  CHECK(drop_record(ours).state == State::again);
  put_record(sockets.theirs.get(), std::string(70'000, 'x'));
  put_record(sockets.theirs.get(), "");
  put_record(sockets.theirs.get(), "kept");
  CHECK(drop_record(ours).state == State::moved);
  CHECK(drop_record(ours).state == State::moved);
  CHECK(take_record(sockets.ours.get()) == "kept");
  sockets.theirs.reset();
  CHECK(drop_record(ours).state == State::eof);
}

TEST_CASE("records: a full socket is waited for and a gone peer is an error without a signal") {
  auto sockets = record_pair(0);  // in blocking mode, and yet nothing waits
  const auto ours = peer(sockets.ours);
  while (send_record(ours, bytes_of("#")).state == State::moved) continue;
  CHECK(send_record(ours, bytes_of("#")).state == State::again);
  sockets.theirs.reset();
  const auto error = thrown_by<Error>([&] { send_record(ours, bytes_of("#")); });
  REQUIRE(error);
  CHECK(error->origin() == Origin::peer);
}

TEST_CASE("records: descriptors that a peer sends along are not kept") {
  const auto sockets = record_pair();
  const auto ours = peer(sockets.ours);
  const auto before = open_descriptors();
  std::array<std::byte, 100> buffer;
  for (const bool tells : {false, true}) {
    if (tells) tell_empty_records_from_the_end(ours);
    REQUIRE(pass_fd(peer(sockets.theirs), 0));
    CHECK(receive_record(ours, buffer).bytes == 1);
    REQUIRE(pass_fd(peer(sockets.theirs), 0));
    CHECK(drop_record(ours).state == State::moved);
  }
  CHECK(open_descriptors() == before);
}
