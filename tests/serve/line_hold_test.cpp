#include "serve/line_hold.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using namespace sockx;

namespace {

/// Lines, and what they have passed on.
struct Lines {
  std::string passed;
  LineHold hold;

  explicit Lines(bool whole = true)
      : hold(whole, [this](std::span<const std::byte> bytes) {
          passed.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        }) {}
  void put(const std::string& bytes) { hold.put(std::as_bytes(std::span(bytes))); }
};

TEST_CASE("line hold: what is passed on ends with a line") {
  Lines lines;
  lines.put("one\ntwo\nth");
  CHECK(lines.passed == "one\ntwo\n");
  lines.put("re");
  CHECK(lines.passed == "one\ntwo\n");
  lines.put("e\n");
  CHECK(lines.passed == "one\ntwo\nthree\n");
  lines.put("");
  lines.put("\n");
  lines.hold.end();
  CHECK(lines.passed == "one\ntwo\nthree\n\n");
}

TEST_CASE("line hold: what is left of a line at the end gets its newline") {
  Lines lines;
  lines.put("one\nlast");
  CHECK(lines.passed == "one\n");
  lines.hold.end();
  CHECK(lines.passed == "one\nlast\n");
}

TEST_CASE("line hold: without whole lines all passes as it comes") {
  Lines lines(false);
  lines.put("one\ntw");
  CHECK(lines.passed == "one\ntw");
  lines.hold.end();
  CHECK(lines.passed == "one\ntw");
}

TEST_CASE("line hold: a line may have 64 KiB with its newline, and no more") {
  const std::string longest(LineHold::longest - 1, 'x');
  Lines lines;
  lines.put(longest);
  CHECK(lines.passed == "");
  lines.put("\n");
  CHECK(lines.passed == longest + "\n");
  lines.put(longest);
  CHECK_THROWS_AS(lines.put("x"), std::runtime_error);
  lines.hold.end();
  CHECK(lines.passed == longest + "\n");
}

}  // namespace
