#include "cli/progress.hpp"

#include <doctest/doctest.h>

using namespace sockx;

namespace {

std::string line_of(const ProgressState& state) {
  return progress_line(ProgressMeter([&] { return state; }));
}

}  // namespace

TEST_CASE("progress line: each phase has its words") {
  CHECK(line_of({Phase::listening, "[::]:80"}) == "waiting for a connection on [::]:80");
  CHECK(line_of({Phase::connecting, "host:80"}) == "connecting to host:80");
  CHECK(line_of({Phase::sending, "peer", "file", 512, 2048}) ==
        "sending file to peer: 25%, 512 bytes, 0 B/s");
  CHECK(line_of({Phase::receiving, "peer", "file", 512}) == "receiving file from peer: 512 bytes, 0 B/s");
  CHECK(line_of({Phase::finishing, "peer", "file", 0, 0}) ==
        "waiting until peer closes: 100%, 0 bytes, 0 B/s");
}

TEST_CASE("progress line: more than was expected is all, and a name is no second line") {
  CHECK(line_of({Phase::receiving, "peer", "a\nb", 20, 10}) ==
        "receiving a?b from peer: 100%, 20 bytes, 0 B/s");
}

TEST_CASE("progress bar: it takes the whole row, in which there is room for less and less beside it") {
  const ProgressMeter meter([] { return ProgressState{Phase::sending, "peer", "file", 512, 2048}; });
  struct Row {
    std::size_t columns;
    std::string shown;
  };
  for (const auto& [columns, shown] :
       {Row{4, " 25%"}, Row{14, " 25%"}, Row{15, " 25% [##------]"}, Row{19, " 25% [###---------]"},
        Row{30, " 25% [##---------] 512 bytes"}, Row{49, " 25% [####------------] 512 bytes, 0 B/s"},
        Row{79, " 25% [########------------------------] 512 bytes, 0 B/s"}}) {
    CAPTURE(columns);
    CHECK(progress_bar(meter, columns) == shown);
  }
  CHECK(progress_bar(meter, 120).find("[##################------") != std::string::npos);
  for (std::size_t columns = 4; columns <= 120; ++columns)
    CHECK(progress_bar(meter, columns).size() <= columns);
}

TEST_CASE("progress bar: without a total there are only the numbers, and at the end the words come first") {
  const ProgressMeter unknown([] { return ProgressState{Phase::receiving, "peer", "file", 512}; });
  CHECK(progress_bar(unknown, 79) == "512 bytes, 0 B/s");
  CHECK(progress_bar(unknown, 12) == "512 bytes");
  const ProgressMeter last([] { return ProgressState{Phase::finishing, "peer", "file", 10, 10}; });
  CHECK(progress_bar(last, 79).ends_with("] waiting until peer closes"));
  CHECK(progress_bar(last, 40).ends_with("] 10 bytes"));
}

TEST_CASE("progress fields: what is not known is left out") {
  const ProgressMeter meter([] { return ProgressState{Phase::connecting, "host:80"}; });
  CHECK(
      json_line("progress", progress_fields(meter)) ==
      R"({"event":"progress","schema":1,"phase":"connecting","peer":"host:80","bytes":0,"bytes_per_second":0.0})");
}
