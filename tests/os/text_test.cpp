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
