#include "base/nearest.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sockx;

TEST_CASE("nearest: a misspelt word finds what was meant and a strange one finds nothing") {
  const std::vector<std::string> commands{"listen", "connect", "send-file", "recv-file"};
  struct Row {
    std::string word;
    const char* meant;
  };
  for (const auto& [word, meant] : {
           Row{"listen", "listen"},
           Row{"lisen", "listen"},    // a letter less
           Row{"listten", "listen"},  // one more
           Row{"lestin", "listen"},   // two others
           Row{"lsiten", "listen"},   // neighbours swapped
           Row{"conect", "connect"},
           Row{"sendfile", "send-file"},
           Row{"reciv-file", "recv-file"},
           Row{"l", ""},
           Row{"", ""},
           Row{"frobnicate", ""},
       }) {
    CAPTURE(word);
    CHECK(nearest(word, commands) == meant);
  }
}

TEST_CASE("nearest: of two candidates as near as each other the first is taken") {
  CHECK(nearest("cat", {"bat", "rat"}) == "bat");
  CHECK(nearest("cat", {}) == "");
}

TEST_CASE("nearest: a word of a megabyte is answered at once") {
  CHECK(nearest(std::string(1 << 20, 'x'), {"listen", "connect"}) == "");
}
