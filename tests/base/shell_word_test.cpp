// Words as a shell reads them.
#include "base/shell_word.hpp"

#include <doctest/doctest.h>

using namespace sockx;

TEST_CASE("shell words: only a word that needs quotes has them") {
  CHECK(quoted_for_shell("example.com:80") == "example.com:80");
  CHECK(quoted_for_shell("") == "''");
  CHECK(quoted_for_shell("a b") == "'a b'");
  CHECK(quoted_for_shell("it's") == "'it'\\''s'");
  CHECK(quoted_for_shell("$(x)") == "'$(x)'");
  CHECK(quoted_for_shell("[::1]:80") == "'[::1]:80'");
  CHECK(quoted_for_shell("f\u00fcr") == "'f\u00fcr'");
}

TEST_CASE("shell words: what is unsafe to show becomes an escape, and the word stays on one line") {
  CHECK(quoted_for_shell("a\nb") == "$'a\\nb'");
  CHECK(quoted_for_shell("\x1b[31m") == "$'\\033[31m'");
  CHECK(quoted_for_shell("it's\t\\") == "$'it\\'s\\011\\\\'");
  CHECK(quoted_for_shell("\xff"
                         "1") == "$'\\3771'");
  CHECK(quoted_for_shell("\u202e") == "$'\\342\\200\\256'");
}
