#include "os/text.hpp"

#include <doctest/doctest.h>

using namespace sockx;

TEST_CASE("text: a message is one line without control characters, whatever it quotes") {
  CHECK(one_line("'a\nb\tc': no such service") == "'a?b?c': no such service");
  CHECK(one_line("\x1b[31mred\x7f") == "?[31mred?");
  CHECK(one_line("smörgås") == "smörgås");
  CHECK(one_line("\xc2\x9b"
                 "31mred\xc2\x80\xc2\xa0\xc2") == "?31mred?\xc2\xa0\xc2");
}

TEST_CASE("counted: a number and its word, which is plural unless the number is 1") {
  CHECK(counted(0, "byte") == "0 bytes");
  CHECK(counted(1, "byte") == "1 byte");
  CHECK(counted(2, "system call") == "2 system calls");
  CHECK(counted(1, "address") == "1 address");
  CHECK(counted(2, "address") == "2 addresses");
  CHECK(counted(3, "switch") == "3 switches");
  CHECK(counted(2, "retry") == "2 retries");
  CHECK(counted(2, "day") == "2 days");
}
