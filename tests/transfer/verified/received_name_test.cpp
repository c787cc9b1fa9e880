// Names from the network: which may become names of files, and what is said of the others.
#include "transfer/verified/received_name.hpp"

#include <doctest/doctest.h>

using namespace sockx;

namespace {

std::string repeated(const std::string& part, int times) {
  std::string all;
  while (times-- > 0) all += part;
  return all;
}

}  // namespace

TEST_CASE("received name: whatever stays below the folder is a name, UTF-8 or not") {
  const auto longest = repeated(std::string(255, 'n') + '/', 15) + std::string(255, 'n');
  for (const auto& name : {std::string("file"),
                           std::string("a/b/c"),
                           std::string("..."),
                           std::string("..a/b.."),
                           std::string(".hidden"),
                           std::string(" "),
                           std::string("a b/ c"),
                           std::string("-rf"),
                           std::string("\xff\xfe"),
                           std::string("\xc3\xa4\xc2\xa0"),
                           std::string("\x80\x9f"),
                           std::string("a\\b"),
                           std::string(".sockx-0123456789abcdef.part"),
                           std::string(".sockx-"),
                           ".sockx-" + repeated("0f", 16),
                           ".sockx-" + repeated("0f", 16) + ".parts",
                           ".sockx-" + repeated("0g", 16) + ".part",
                           ".sockx-" + repeated("0f", 17) + ".part",
                           std::string("c:d*?\"<>|"),
                           repeated("d/", 127) + "d",
                           longest}) {
    CAPTURE(name);
    CHECK(fault_of_name(name) == "");
  }
}

TEST_CASE("received name: what would leave the folder, or the screen, is refused and named") {
  struct Case {
    std::string name, fault;
  };
  const Case cases[]{
      {"", "is empty"},
      {".sockx-" + repeated("0f", 16) + ".link", "is reserved for parts of files"},
      {"/", "is absolute"},
      {"/etc/passwd", "is absolute"},
      {"//a", "is absolute"},
      {"a//b", "has an empty part"},
      {"a/", "has an empty part"},
      {".", "has the part '.'"},
      {"..", "has the part '..'"},
      {"../a", "has the part '..'"},
      {"a/../../b", "has the part '..'"},
      {"a/./b", "has the part '.'"},
      {"a/..", "has the part '..'"},
      {std::string("a\0b", 3), "has a control character"},
      {std::string("\0", 1), "has a control character"},
      {"two\nlines", "has a control character"},
      {"\x1b[2J", "has a control character"},
      {"del\x7f", "has a control character"},
      {"c1 \xc2\x9b", "has a control character"},
      {"c1 \xc2\x80", "has a control character"},
      {".sockx-" + repeated("0f", 16) + ".part", "is reserved for parts of files"},
      {"a/.sockx-" + repeated("A9", 16) + ".map", "is reserved for parts of files"},
      {".sockx-" + repeated("0f", 16) + ".map.new", "is reserved for parts of files"},
      {".sockx-" + repeated("0f", 16) + ".part/a", "is reserved for parts of files"},
      {"a/" + std::string(256, 'n'), "has a part of 256 bytes, more than 255"},
      {repeated("d/", 128) + "d", "has more than 128 parts"},
      {std::string(4097, 'n'), "has 4097 bytes, more than 4096"},
  };
  for (const auto& [name, fault] : cases) {
    CAPTURE(name);
    CHECK(fault_of_name(name) == fault);
  }
}

TEST_CASE("received name: the target of a link stays below the folder, wherever it leads on from there") {
  struct Case {
    std::string name, target, fault;
    int kept = 0;
  };
  const Case cases[]{
      {"link", "file", ""},
      {"link", "nowhere", ""},
      {"link", ".", ""},
      {"link", "a/./b//c/", ""},
      {"link", "...", ""},
      {"link", "\xff", ""},
      {"a/link", "..", ""},
      {"a/b/link", "../../x", ""},
      {"a/b/link", "./.././../x", ""},
      {"tree/a/link", "../x", "", 1},
      {"link", "", "is empty"},
      {"link", "/", "is absolute"},
      {"link", "/etc/passwd", "is absolute"},
      {"link", "..", "leads out of the directory"},
      {"link", "../x", "leads out of the directory"},
      {"a/link", "../../x", "leads out of the directory"},
      {"a/link", ".././/../x", "leads out of the directory"},
      {"tree/link", "../x", "leads out of the directory", 1},
      {"tree/a/link", "../../x", "leads out of the directory", 1},
      {"a/link", "b/../c", "has the part '..' after a name"},
      {"a/b/link", "../c/..", "has the part '..' after a name"},
      {"link", "two\nlines", "has a control character"},
      {"link", "c1\xc2\x9b", "has a control character"},
      {"link", std::string(4096, 't'), "has 4096 bytes, more than 4095"},
  };
  for (const auto& [name, target, fault, kept] : cases) {
    CAPTURE(name);
    CAPTURE(target);
    CHECK(fault_of_target(name, target, kept) == fault);
  }
}
