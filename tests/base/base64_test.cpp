#include "base/base64.hpp"

#include <doctest/doctest.h>

using namespace sockx;
using namespace std::string_literals;

TEST_CASE("base64 writes and reads the test vectors of RFC 4648") {
  for (const auto& [bytes, shown] : {std::pair{"", ""},
                                     {"f", "Zg=="},
                                     {"fo", "Zm8="},
                                     {"foo", "Zm9v"},
                                     {"foob", "Zm9vYg=="},
                                     {"fooba", "Zm9vYmE="},
                                     {"foobar", "Zm9vYmFy"}}) {
    CAPTURE(bytes);
    CHECK(base64(bytes) == shown);
    CHECK(parse_base64(shown) == bytes);
  }
  std::string all;
  for (int byte = 255; byte >= 0; --byte) all += static_cast<char>(byte);
  CHECK(parse_base64(base64(all)) == all);
  CHECK(base64("\xfb\xff\0"s) == "+/8A");
}

TEST_CASE("base64 refuses what it would not write") {
  for (const auto* const wrong : {"Z", "Zg", "Zg=", "Zg==Zg==", "Zh==", "Zm9=", "=Zg=", "Z===", "====",
                                  "Zm-v", "Zm9v\n", " Zm9v", "Zg==\n"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_base64(wrong).has_value());
  }
}
