#include "net/address/source.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base/error.hpp"

using namespace sockx;

namespace {

std::string bound_in(const Source& source, int family) {
  const auto address = source.in_family(family);
  return address ? address->to_string() : "";
}

}  // namespace

TEST_CASE("source: an address, a port, both, and which families they are for") {
  struct Row {
    std::string word, inet, inet6, unix_socket;
  };
  for (const auto& row : {
           Row{"192.0.2.7", "192.0.2.7:0", "", ""},
           Row{"192.0.2.7:5000", "192.0.2.7:5000", "", ""},
           Row{":5000", "0.0.0.0:5000", "[::]:5000", ""},
           Row{":http", "0.0.0.0:80", "[::]:80", ""},
           Row{"::1", "", "[::1]:0", ""},
           Row{"[::1]", "", "[::1]:0", ""},
           Row{"[::1]:5000", "", "[::1]:5000", ""},
           Row{"fe80::1%lo", "", "[fe80::1%lo]:0", ""},
           Row{"[fe80::1%lo]:5000", "", "[fe80::1%lo]:5000", ""},
           Row{"unix:/run/x", "", "", "unix:/run/x"},
           Row{"unix:@x", "", "", "unix:@x"},
       }) {
    CAPTURE(row.word);
    const auto source = Source::parse(row.word);
    CHECK(source.word == row.word);
    CHECK(bound_in(source, AF_INET) == row.inet);
    CHECK(bound_in(source, AF_INET6) == row.inet6);
    CHECK(bound_in(source, AF_UNIX) == row.unix_socket);
  }
}

TEST_CASE("source: what is none is quoted") {
  for (const auto* word : {"", "8080", "localhost", "localhost:80", "127.0.0.1:", "[::1", "[::1]:", "[::1]80",
                           "[]:80", "1.2.3.4.5", "::1:x:y", "fe80::1%nosuch0", ":"}) {
    CAPTURE(word);
    CHECK_THROWS_WITH_AS(Source::parse(word), doctest::Contains(("'" + std::string(word) + "'").c_str()),
                         BadInput);
  }
  CHECK_THROWS_WITH_AS(Source::parse("127.0.0.1:99999"), doctest::Contains("'99999'"), BadInput);
}
