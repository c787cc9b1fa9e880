#include "serve/line_hold.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "../support/thrown.hpp"

using namespace sockx;

namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string pass(LineHold& hold, const std::string& bytes) {
  std::vector<std::byte> joined;
  return text_of(hold.pass(std::as_bytes(std::span(bytes)), joined));
}

TEST_CASE("line hold: what is passed on ends with a line") {
  LineHold hold;
  CHECK(pass(hold, "one\ntwo\nth") == "one\ntwo\n");
  CHECK(pass(hold, "re") == "");
  CHECK(pass(hold, "e\n") == "three\n");
  CHECK(pass(hold, "") == "");
  CHECK(pass(hold, "\n") == "\n");
  CHECK(text_of(hold.rest()) == "");
}

TEST_CASE("line hold: a last line gets its newline") {
  LineHold hold;
  CHECK(pass(hold, "one\nlast") == "one\n");
  CHECK(text_of(hold.rest()) == "last\n");
  CHECK(text_of(hold.rest()) == "");
}

TEST_CASE("line hold: a line may have 64 KiB with its newline, and no more") {
  const std::string longest(LineHold::longest - 1, 'x');
  LineHold hold;
  CHECK(pass(hold, longest) == "");
  CHECK(pass(hold, "\n") == longest + "\n");
  CHECK(pass(hold, longest) == "");
  CHECK_THROWS_AS(pass(hold, "x"), std::runtime_error);
}

}  // namespace
