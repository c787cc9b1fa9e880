#include "flow/framing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "../support/records.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;

namespace {

using Records = std::vector<std::string>;
using Kind = Framing::Kind;

constexpr std::size_t plenty = 1000;
constexpr Framing newlines{Kind::line}, threes{Kind::size, 3}, numbered{Kind::len32}, whole{Kind::all};

void take_all(Framer& framer, Records& records) {
  while (const auto record = framer.take()) records.push_back(string_of(*record));
}

/// The records of an input that comes in pieces; each is taken as soon as it can be.
Records records_of(Framing framing, const Records& pieces, std::size_t most = plenty) {
  Framer framer(framing, most);
  Records records;
  for (const auto& piece : pieces) {
    framer.put(bytes_of(piece));
    take_all(framer, records);
  }
  framer.end();
  take_all(framer, records);
  return records;
}

/// Every way to cut `input` into three pieces, which may be empty, and the one into single bytes.
std::vector<Records> splits_of(const std::string& input) {
  std::vector<Records> splits;
  for (std::size_t first = 0; first <= input.size(); ++first)
    for (auto second = first; second <= input.size(); ++second)
      splits.push_back({input.substr(0, first), input.substr(first, second - first), input.substr(second)});
  splits.emplace_back();
  for (const char byte : input) splits.back().emplace_back(1, byte);
  return splits;
}

}  // namespace

TEST_CASE("framing: the records are the same however the input is split") {
  struct Row {
    std::string what;
    Framing framing;
    std::string input;
    Records records;
  };
  const Row rows[]{
      {"lines", newlines, "one\ntwo\n", {"one\n", "two\n"}},
      {"empty lines", newlines, "\n\na\n\n", {"\n", "\n", "a\n", "\n"}},
      {"a last line without newline", newlines, "one\ntwo", {"one\n", "two"}},
      {"no line", newlines, "", {}},
      {"pieces", threes, "abcdef", {"abc", "def"}},
      {"pieces and a shorter one", threes, "abcde", {"abc", "de"}},
      {"less than a piece", threes, "a", {"a"}},
      {"no piece", threes, "", {}},
      {"counted", numbered, counted("abc") + counted("de"), {"abc", "de"}},
      {"counted, and empty",
       numbered,
       counted("") + counted("a") + counted("") + counted(""),
       {"", "a", "", ""}},
      {"counted, and longer than a byte counts",
       numbered,
       counted(std::string(300, 'x')) + counted("y"),
       {std::string(300, 'x'), "y"}},
      {"nothing counted", numbered, "", {}},
      {"all", whole, "one\ntwo", {"one\ntwo"}},
      {"all, which is nothing", whole, "", {""}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const auto splits = row.input.size() > 50 ? std::vector<Records>{{row.input}} : splits_of(row.input);
    for (const auto& pieces : splits) CHECK(records_of(row.framing, pieces) == row.records);
  }
}

TEST_CASE("framing: a record is given as soon as it is whole and not before") {
  Framer by_line(newlines, plenty), by_size(threes, plenty), by_number(numbered, plenty),
      at_end(whole, plenty);
  by_line.put(bytes_of("ab"));
  by_size.put(bytes_of("ab"));
  by_number.put(bytes_of(counted("ab").substr(0, 5)));
  at_end.put(bytes_of("ab"));
  for (auto* const framer : {&by_line, &by_size, &by_number, &at_end}) CHECK_FALSE(framer->take());
  CHECK(by_line.left() == 2);
  CHECK(by_size.left() == 2);
  CHECK(by_number.left() == 5);
  CHECK(at_end.left() == 2);
  by_line.put(bytes_of("\n"));
  by_size.put(bytes_of("c"));
  by_number.put(bytes_of("b"));
  for (auto* const framer : {&by_line, &by_size, &by_number}) {
    CHECK(framer->take());
    CHECK(framer->left() == 0);
    CHECK_FALSE(framer->has_ended());
  }
  at_end.end();
  CHECK(at_end.has_ended());
  CHECK(at_end.take());
  CHECK_FALSE(at_end.take());
}

TEST_CASE("framing: a record as long as the limit passes and a longer one is refused with both sizes") {
  struct Row {
    std::string what;
    Framing framing;
    std::string longest, longer;
  };
  const Row rows[]{
      {"line", newlines, "1234\n", "12345\n"},
      {"line without newline", newlines, "12345", "123456"},
      {"size", {Kind::size, 5}, "12345", ""},
      {"size beyond the limit", {Kind::size, 6}, "", "123456"},
      {"counted", numbered, counted("12345"), counted("123456")},
      {"all", whole, "12345", "123456"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    if (!row.longest.empty()) CHECK(records_of(row.framing, {row.longest}, 5).size() == 1);
    if (row.longer.empty()) continue;
    const auto error = thrown_by<Error>([&] { records_of(row.framing, {row.longer}, 5); });
    REQUIRE(error);
    CHECK(error->number() == EMSGSIZE);
    CHECK(error->origin() == Origin::local_file);
    CHECK(std::string(error->what()) == "a record of 6 bytes or more, but the most is 5: Message too long");
  }
}

TEST_CASE("framing: a length that cannot be is refused before anything of the record has come") {
  Framer framer(numbered, plenty);
  framer.put(bytes_of("\xff\xff\xff\xff"));
  CHECK_THROWS_WITH_AS(framer.take(), doctest::Contains("4294967295 bytes"), Error);
}

TEST_CASE("framing: a long line without an end is refused before it ends") {
  Framer framer(newlines, 5);
  framer.put(bytes_of("12345"));
  CHECK_FALSE(framer.take());
  framer.put(bytes_of("6"));
  CHECK_THROWS_AS(framer.take(), Error);
}

TEST_CASE("framing: an end within a counted record says how much of it had come") {
  const auto whole_input = counted("abc") + counted("12345");
  const auto ended_after = [&](std::size_t size) {
    const auto error = thrown_by<Incomplete>([&] { records_of(numbered, {whole_input.substr(0, size)}); });
    return error ? std::string(error->what()) : "";
  };
  CHECK(ended_after(2) == "the input ended within the length of a record: 2 of 4 bytes");
  CHECK(ended_after(4) == "the input ended within a record: 0 of 3 bytes");
  CHECK(ended_after(7) == "");
  CHECK(ended_after(10) == "the input ended within the length of a record: 3 of 4 bytes");
  CHECK(ended_after(15) == "the input ended within a record: 4 of 5 bytes");
  CHECK(ended_after(16) == "");
}
