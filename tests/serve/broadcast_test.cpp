#include "serve/broadcast.hpp"

#include <doctest/doctest.h>

#include <string>

#include "../support/files.hpp"

using namespace sockx;

namespace {

using Position = Broadcast::Position;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// What a reader gets that takes `piece` bytes at a time; `position` moves to the end.
std::string read_all(const Broadcast& log, Position& position, Broadcast::Participant reader,
                     std::size_t piece = Broadcast::capacity) {
  std::string all;
  for (;;) {
    const auto due = log.due(position, reader);
    if (due.bytes == 0) {
      position = due.reaches;
      return all;
    }
    std::string read;
    for (const auto part : due.pieces()) read.append(reinterpret_cast<const char*>(part.data()), part.size());
    REQUIRE(read.size() == due.bytes);
    read.resize(std::min(read.size(), piece));
    position = read.size() == due.bytes ? due.reaches : log.after(position, reader, read.size());
    all += read;
  }
}

std::string read_all(const Broadcast& log, Broadcast::Participant reader) {
  Position position = log.begin();
  return read_all(log, position, reader);
}

TEST_CASE("broadcast: each reader gets what is for it, in order, however little it takes at a time") {
  Broadcast log;
  log.append(0, bytes_of("all "));
  log.append(1, bytes_of("not-one "));
  log.append(2, bytes_of("not-two "));
  log.append(0, bytes_of("end"));
  CHECK(read_all(log, 1) == "all not-two end");
  CHECK(read_all(log, 2) == "all not-one end");
  CHECK(read_all(log, 3) == "all not-one not-two end");
  for (std::size_t piece = 1; piece < 10; ++piece) {
    Position position = 0;
    CHECK(read_all(log, position, 2, piece) == "all not-one end");
    CHECK(position == log.end());
  }
}

TEST_CASE("broadcast: a reader whose own bytes alone are new has nothing due, and reaches the end") {
  Broadcast log;
  log.append(1, bytes_of("mine"));
  const auto due = log.due(0, 1);
  CHECK(due.bytes == 0);
  CHECK(due.pieces().empty());
  CHECK(due.reaches == log.end());
}

TEST_CASE("broadcast: what is due can end before the log does") {
  Broadcast log;
  log.append(0, bytes_of("one"));
  log.append(2, bytes_of("two"));
  log.append(0, bytes_of("three"));
  for (Position to = 0; to <= log.end(); ++to) {
    const auto due = log.due(0, 1, to);
    CHECK(due.bytes == to);
    CHECK(due.reaches == to);
    CHECK(log.due(0, 2, to).bytes == (to <= 3 ? to : to <= 6 ? 3 : to - 3));
  }
  CHECK(log.due(5, 1, 7).bytes == 2);
}

TEST_CASE("broadcast: the last MiB is kept, wherever it lies in the ring") {
  Broadcast log;
  const auto content = test::noise(5 * Broadcast::capacity / 2);
  std::string slow_read;
  Position slow = 0;
  for (std::size_t at = 0; at < content.size(); at += 30'000) {
    log.append(0, bytes_of(content.substr(at, 30'000)));
    slow_read += read_all(log, slow, 2, 7'000);
  }
  CHECK(log.begin() == content.size() - Broadcast::capacity);
  CHECK(log.end() == content.size());
  CHECK(test::difference(slow_read, content) == "");
  CHECK(test::difference(read_all(log, 2), content.substr(content.size() - Broadcast::capacity)) == "");
}

TEST_CASE("broadcast: what has fallen off is known for whom it was where it is only begun") {
  Broadcast log;
  const std::string mine(1000, 'm'), others(Broadcast::capacity - 500, 'o');
  log.append(1, bytes_of(mine));
  log.append(2, bytes_of(others));
  CHECK(read_all(log, 1) == others);
  CHECK(read_all(log, 3) == std::string(500, 'm') + others);
}

TEST_CASE("broadcast: more pieces than one call takes are read in several") {
  Broadcast log;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const auto participant = static_cast<Broadcast::Participant>(i % 3);
    const auto word = std::to_string(i) + ' ';
    log.append(participant, bytes_of(word));
    if (participant != 1) expected += word;
  }
  CHECK(log.due(0, 1).count == 64);
  CHECK(read_all(log, 1) == expected);
  Position position = 0;
  CHECK(read_all(log, position, 1, 3) == expected);
}

TEST_CASE("broadcast: the next line begins behind a newline, across the ring's edge too") {
  Broadcast log;
  log.append(0, bytes_of(std::string(Broadcast::capacity - 2, 'x')));
  log.append(0, bytes_of("abcd\nef"));
  CHECK(log.next_line(log.begin()) == Broadcast::capacity + 3);
  CHECK(log.next_line(Broadcast::capacity + 3) == log.end());
  CHECK(log.next_line(log.end()) == log.end());
}

}  // namespace
