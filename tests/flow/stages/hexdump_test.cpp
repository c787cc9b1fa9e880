#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../../support/files.hpp"
#include "../../support/records.hpp"
#include "flow/stage.hpp"

using namespace sockx;
using namespace test;

namespace {

struct Row {
  std::uint64_t offset;
  std::string bytes;
  friend bool operator==(const Row&, const Row&) = default;
};
using Rows = std::vector<Row>;

/// The rows told while `pieces` pass, which must stay as they are.
Rows rows_of(const std::vector<std::string>& pieces) {
  Rows rows;
  const auto hexdump = make_hexdump(
      [&rows](const DumpedRow& row) {
        rows.push_back({row.offset, string_of(row.bytes)});
      },
      [] { return true; });
  for (const auto& piece : pieces) {
    auto bytes = bytes_of(piece);
    hexdump->pass(bytes);
    CHECK(string_of(bytes) == piece);
    CHECK(hexdump->has_caught_up());
  }
  return rows;
}

}  // namespace

TEST_CASE("hexdump: rows of sixteen bytes bear their offsets") {
  CHECK(rows_of({}) == Rows{});
  CHECK(rows_of({""}) == Rows{});
  CHECK(rows_of({"0123456789abcdef"}) == Rows{{0, "0123456789abcdef"}});
  CHECK(rows_of({"0123456789abcdefg"}) == Rows{{0, "0123456789abcdef"}, {16, "g"}});
}

TEST_CASE("hexdump: each pass begins a row and goes on counting") {
  CHECK(rows_of({"abc", "", "de"}) == Rows{{0, "abc"}, {3, "de"}});
}

TEST_CASE("hexdump: the rows put together are the stream") {
  const auto content = noise(10'000);
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < content.size(); at += pieces.back().size())
    pieces.push_back(content.substr(at, 1 + at % 97));
  std::string together;
  for (const auto& [offset, bytes] : rows_of(pieces)) {
    CHECK(offset == together.size());
    CHECK(bytes.size() >= 1);
    CHECK(bytes.size() <= 16);
    together += bytes;
  }
  CHECK(difference(together, content) == "");
}
