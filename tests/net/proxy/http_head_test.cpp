#include "net/proxy/http_head.hpp"

#include <doctest/doctest.h>

#include "../../support/descriptors.hpp"
#include "../../support/far_ends.hpp"
#include "base/error.hpp"
#include "flow/event_loop.hpp"

using namespace sockx;
using namespace test;

namespace {

struct Reader {
  explicit Reader(SocketEnds sockets = tcp_pair())
      : stream(loop, std::move(sockets.ours), "peer", Origin::peer), far(loop, std::move(sockets.theirs)) {}
  std::optional<HttpHead> read() { return loop.run(read_http_head(stream, never)); }
  std::string rest() const { return read_available(stream.facts().fd); }

  EventLoop loop;
  Stream stream;
  FarEnd far;
};

}  // namespace

TEST_CASE("an HTTP head is read up to its empty line and not a byte further") {
  Reader reader;
  put(reader.far.fd.get(), "HTTP/1.1 200 OK\r\nVia: 1.1 x\nX-Empty:\r\n\r\npayload\r\n\r\n");
  const auto head = reader.read();
  REQUIRE(head.has_value());
  CHECK(head->start_line == "HTTP/1.1 200 OK");
  CHECK(head->fields == std::vector<std::string>{"Via: 1.1 x", "X-Empty:"});
  CHECK(head->field("via") == "1.1 x");
  CHECK(head->field("X-EMPTY") == "");
  CHECK_FALSE(head->field("vi").has_value());
  CHECK(reader.stream.is_plain());
  CHECK(reader.rest() == "payload\r\n\r\n");
}

TEST_CASE("an HTTP head that ends early is none") {
  for (const auto* const sent : {"", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nA: b\r\n"}) {
    CAPTURE(sent);
    Reader reader;
    put(reader.far.fd.get(), sent);
    shutdown(reader.far.fd.get(), SHUT_WR);
    CHECK_FALSE(reader.read().has_value());
  }
}

TEST_CASE("an HTTP head has at most 64 KiB, in one line or in many") {
  const std::string start = "HTTP/1.1 200 OK\r\n";
  const auto fits = HttpHead::most_bytes - start.size() - 2;
  for (const bool is_one_line : {true, false}) {
    for (const std::size_t more : {0, 1}) {
      CAPTURE(is_one_line);
      CAPTURE(more);
      std::string fields;
      if (is_one_line) {
        fields = "A: " + std::string(fits + more - 5, 'x') + "\r\n";
      } else {
        while (fields.size() + 8 + 8 < fits + more) fields += "Abc: d\r\n";
        fields += "A: " + std::string(fits + more - fields.size() - 5, 'x') + "\r\n";
      }
      Reader reader;
      const std::string sent = start + fields + "\r\nrest";
      auto writing = write_all(reader.far, sent);
      writing.start(reader.loop);
      if (more == 0) {
        CHECK(reader.read()->start_line == "HTTP/1.1 200 OK");
        CHECK(reader.rest() == "rest");
      } else {
        CHECK_THROWS_WITH_AS(reader.read(), "the head of the HTTP message is longer than 64 KiB", ProxyError);
      }
    }
  }
}

TEST_CASE("a field of HTTP has a name without blanks, and no control characters") {
  const auto field = parse_http_field("Proxy-Authorization: \t Basic x \t");
  REQUIRE(field.has_value());
  CHECK(field->name == "Proxy-Authorization");
  CHECK(field->value == "Basic x");
  CHECK(parse_http_field("a:b:c")->value == "b:c");
  for (const std::string& wrong :
       {std::string(""), std::string("abc"), std::string(":x"), std::string("a b: c"), std::string("a : c"),
        std::string(" a: c"), std::string("\ta: c"), std::string("a: b\rc"), std::string("a: b\0c", 6),
        std::string("a\x01: b")}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_http_field(wrong).has_value());
  }
}
