#include "flow/read_ahead.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "os/observer.hpp"

using namespace sockx;
using namespace std::chrono_literals;

namespace {

constexpr int no_file = -1;
constexpr std::uint64_t piece_size = 64 * 1024;

}  // namespace

TEST_CASE("read-ahead: it stays on where every read has the latency of a network") {
  ReadAhead read_ahead;
  for (int i = 0; i < 1000; ++i) read_ahead.note(no_file, 10ms, piece_size);
  CHECK(read_ahead.is_on());
}

TEST_CASE("read-ahead: a slow read switches it off, and after 16 MiB it is tried again") {
  ReadAhead read_ahead;
  for (int tries = 0; tries < 3; ++tries) {
    read_ahead.note(no_file, 101ms, piece_size);
    for (std::uint64_t read = piece_size; read < ReadAhead::bytes_without; read += piece_size) {
      read_ahead.note(no_file, 10ms, piece_size);
      CHECK_FALSE(read_ahead.is_on());
    }
    read_ahead.note(no_file, 10ms, piece_size);
    CHECK(read_ahead.is_on());
  }
}

TEST_CASE("read-ahead: a slow read also drops what has been read ahead, and so does one that waited for it") {
  std::vector<std::string> calls;
  const CallObserver observer = [&](const ObservedCall& call) { calls.push_back(call.arguments); };
  set_call_observer(&observer);
  ReadAhead read_ahead;
  read_ahead.note(no_file, 101ms, piece_size, 65536);
  read_ahead.note(no_file, 150ms, piece_size, 131072);
  read_ahead.note(no_file, 201ms, piece_size, 196608);
  set_call_observer(nullptr);
  CHECK(calls == std::vector<std::string>{"-1, 0, 0, POSIX_FADV_RANDOM",
                                          "-1, 65536, 16777216, POSIX_FADV_DONTNEED",
                                          "-1, 196608, 16777216, POSIX_FADV_DONTNEED"});
}
