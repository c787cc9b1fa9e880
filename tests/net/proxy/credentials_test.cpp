#include "net/proxy/credentials.hpp"

#include <doctest/doctest.h>

#include "../../support/files.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"

using namespace sockx;
using namespace test;

TEST_CASE("credentials are a name and a password of 1 to 255 bytes without control characters") {
  CHECK(parse_credentials("mary:a:b") == Credentials{"mary", "a:b"});
  const std::string longest(255, 'x');
  CHECK(parse_credentials(longest + ':' + longest) == Credentials{longest, longest});
  for (const std::string& wrong :
       {std::string("mary"), std::string(":secret"), std::string("mary:"), std::string("ma\nry:secret"),
        std::string("mary:sec\x7fret"), std::string("mary:") + std::string(256, 'x'),
        std::string(256, 'x') + ":secret", std::string("mary:s\0t", 8)}) {
    CAPTURE(wrong);
    const auto error = thrown_by<BadInput>([&] { parse_credentials(wrong); });
    REQUIRE(error.has_value());
    CHECK(std::string(error->what()).find("mary") == std::string::npos);
    CHECK(std::string(error->what()).find("secret") == std::string::npos);
  }
}

TEST_CASE(
    "a file of credentials has comments and empty lines, and its errors name the line and quote nothing") {
  const auto all = parse_credentials_file("# users\n\nmary:one\r\njohn:#two \n#x:y\nlast:3", "users");
  CHECK(all == std::vector<Credentials>{{"mary", "one"}, {"john", "#two "}, {"last", "3"}});
  CHECK_THROWS_WITH_AS(
      parse_credentials_file("a:b\nsecret\n", "users"),
      "'users', line 2: there is no colon between a user name and a password; a line is USER:PASSWORD",
      BadInput);
  const Folder folder;
  CHECK_THROWS_AS(read_credentials_file(folder / "missing"), BadInput);
  write_file(folder / "empty", "# nobody\n");
  CHECK_THROWS_AS(read_credentials_file(folder / "empty"), BadInput);
  write_file(folder / "one", "a:b\n");
  CHECK(read_credentials_file(folder / "one") == std::vector<Credentials>{{"a", "b"}});
}

TEST_CASE("Basic authorization is the base64 of both") {
  CHECK(basic_authorization({"Aladdin", "open sesame"}) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(parse_basic_authorization("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==") ==
        Credentials{"Aladdin", "open sesame"});
  for (const auto* const wrong : {"", "Basic", "Basic ", "Basic QQ==", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
                                  "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_basic_authorization(wrong).has_value());
  }
}
