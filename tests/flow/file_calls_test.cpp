#include "flow/file_calls.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace sockx;
using namespace std::chrono_literals;

namespace {

constexpr int no_file = -1;
constexpr std::uint64_t read_piece = 64 * 1024, most_of_read = 1024 * 1024;

}  // namespace

TEST_CASE("file calls: a thread is needed after a long wait, until reads have been quick for 16 MiB") {
  FileCalls calls(most_of_read);
  const auto wait_and_note = [&](Duration took) {
    calls.begin_turn();
    std::this_thread::sleep_for(1ms);
    calls.note_read(no_file, took, read_piece);
  };
  wait_and_note(1ms);
  CHECK_FALSE(calls.needs_thread());
  wait_and_note(3ms);
  CHECK(calls.needs_thread());
  for (std::uint64_t bytes = 0; bytes < 15 * most_of_read; bytes += read_piece)
    calls.note_thread({1ms, true}, read_piece);
  CHECK(calls.needs_thread());
  calls.note_thread({3ms, true}, read_piece);
  for (std::uint64_t bytes = 0; bytes < 16 * most_of_read; bytes += read_piece) {
    CHECK(calls.needs_thread());
    calls.note_thread({30ms, false}, read_piece);  // on a busy machine
  }
  CHECK_FALSE(calls.needs_thread());
}

TEST_CASE("file calls: a call that took long without a wait needs no thread") {
  FileCalls calls(most_of_read);
  calls.begin_turn();
  calls.note_read(no_file, 30ms, read_piece);
  CHECK_FALSE(calls.needs_thread());
}
