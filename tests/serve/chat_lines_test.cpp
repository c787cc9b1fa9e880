#include "serve/chat_lines.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sockx;

namespace {

using Texts = std::vector<std::string>;

/// The lines of a stream that comes in pieces of `size`; "+" marks a piece of a line.
Texts lines_of(const std::string& stream, std::size_t size = 1) {
  ChatLines lines;
  Texts texts;
  const auto take = [&] {
    while (const auto line = lines.take())
      texts.push_back((line->is_whole ? "" : "+") + std::string(line->text));
  };
  for (std::size_t at = 0; at < stream.size(); at += size) {
    const auto piece = stream.substr(at, size);
    lines.put(std::as_bytes(std::span(piece)));
    take();
  }
  lines.end();
  take();
  return texts;
}

TEST_CASE("chat lines: LF and CR LF end a line, and so does the end of the stream") {
  for (const std::size_t size : {1U, 2U, 3U, 100U}) {
    CHECK(lines_of("one\ntwo\r\n\nfo\rur\r\r\nlast", size) == Texts{"one", "two", "", "fo\rur\r", "last"});
    CHECK(lines_of("last\r", size) == Texts{"last"});
    CHECK(lines_of("", size) == Texts{});
  }
}

TEST_CASE("chat lines: a line of the greatest length is whole, a longer one comes in pieces") {
  constexpr auto longest = ChatLines::longest;
  const std::string full(longest, 'x');
  for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, 3 * longest}) {
    CHECK(lines_of(full + "\n", size) == Texts{full});
    CHECK(lines_of(full + "\r\n", size) == Texts{full});
    CHECK(lines_of(full, size) == Texts{full});
    CHECK(lines_of(full + "y\nz\n", size) == Texts{"+" + full, "+y", "z"});
    CHECK(lines_of(full + full + "y", size) == Texts{"+" + full, "+" + full, "+y"});
  }
}

TEST_CASE("chat lines: no piece splits a character") {
  const std::string before(ChatLines::longest - 2, 'x'), euro = "\xe2\x82\xac";
  CHECK(lines_of(before + euro + "\n", 4096) == Texts{"+" + before, "+" + euro});
  CHECK(lines_of(before.substr(1) + euro + "\n", 4096) == Texts{before.substr(1) + euro});
}

TEST_CASE("chat lines: what is no UTF-8 is cut where it must be") {
  const std::string stray(ChatLines::longest + 1, '\x80');
  CHECK(lines_of(stray + "\n", 4096) == Texts{"+" + stray.substr(1), "+\x80"});
}

TEST_CASE("printable: UTF-8 survives, control characters and other bytes do not") {
  CHECK(printable("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(printable("a\tb\x1b[2J\x7f\r\n") == "a b?[2J???");
  CHECK(printable(std::string("\0x", 2)) == "?x");
  CHECK(printable("\xc2\x9b"
                  "31m \xc2\xa0") == "?31m \xc2\xa0");  // CSI of C1; a no-break space
  CHECK(printable("\x9b"
                  "2J") == "?2J");
  CHECK(printable("\xc0\x8a \xe0\x80\x8a \xf0\x80\x80\x8a") == "?? ??? ????");  // overlong
  CHECK(printable("\xed\xa0\x80 \xf4\x90\x80\x80 \xff") == "??? ???? ?");
  CHECK(printable("\xe2\x82") == "??");
  CHECK(printable("\xe2\x82"
                  "a") == "??a");
  CHECK(printable("") == "");
}

}  // namespace
