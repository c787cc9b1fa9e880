#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "../../support/records.hpp"
#include "flow/stage.hpp"

using namespace sockx;
using namespace test;

namespace {

std::string passed(const std::vector<std::string>& pieces) {
  const auto crlf = make_crlf();
  std::string all;
  for (const auto& piece : pieces) {
    auto bytes = bytes_of(piece);
    crlf->pass(bytes);
    all += string_of(bytes);
  }
  return all;
}

/// What should come of it, written plainly.
std::string expected_of(const std::string& input) {
  std::string all;
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (input[i] == '\n' && (i == 0 || input[i - 1] != '\r')) all += '\r';
    all += input[i];
  }
  return all;
}

}  // namespace

TEST_CASE("crlf: a bare newline gets its carriage return and a whole line end stays as it is") {
  CHECK(passed({"one\ntwo\n"}) == "one\r\ntwo\r\n");
  CHECK(passed({"one\r\ntwo\r\n"}) == "one\r\ntwo\r\n");
  CHECK(passed({"\n\n"}) == "\r\n\r\n");
  CHECK(passed({"\r\r\n\r"}) == "\r\r\n\r");
  CHECK(passed({"none"}) == "none");
}

TEST_CASE("crlf: a line end whose halves come apart is still one") {
  CHECK(passed({"one\r", "\ntwo"}) == "one\r\ntwo");
  CHECK(passed({"one\r", "", "\ntwo"}) == "one\r\ntwo");
  CHECK(passed({"one", "\ntwo"}) == "one\r\ntwo");
  CHECK(passed({"one\n", "\ntwo"}) == "one\r\n\r\ntwo");
  CHECK(passed({"\r", "two\n"}) == "\rtwo\r\n");
}

TEST_CASE("crlf: any input in any pieces comes out as if it were one") {
  std::mt19937 random(4711);
  const auto below = [&random](std::size_t limit) { return random() % limit; };
  for (int round = 0; round < 500; ++round) {
    std::string input;
    for (auto left = below(60); left > 0; --left) input += "\r\nab"[below(4)];
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < input.size(); at += pieces.back().size())
      pieces.push_back(input.substr(at, 1 + below(5)));
    REQUIRE(passed(pieces) == expected_of(input));
  }
}
