#include "cli/table.hpp"

#include <doctest/doctest.h>

#include <regex>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/in_child.hpp"

using namespace sockx;
using namespace test;

namespace {

std::string told(const Table& table, bool json) {
  const auto out = make_pipe_ends();
  const auto end = in_child([&] {
    dup2(out.write.get(), 1);
    Report report({json, false, ""});
    table.tell(report, "row");
    return 0;
  });
  CHECK(end.exited_with(0));
  return read_available(out.read.get());
}

Table two_rows() {
  Table table({"name", "number", "note"});
  table.add({"a long name", "1", "-"}, {{"name", "a long name"}, {"number", 1}});
  table.add({"b", "12345678", "x"}, {{"name", "b"}, {"number", 12345678}});
  return table;
}

}  // namespace

TEST_CASE("table: columns are as wide as their widest cell, the last one excepted") {
  CHECK(told(two_rows(), false) ==
        "name         number    note\n"
        "a long name  1         -\n"
        "b            12345678  x\n");
}

TEST_CASE("table: for programs each row is an event, and there is no heading") {
  const std::regex time(R"("time":"[^"]*",)");
  CHECK(std::regex_replace(told(two_rows(), true), time, "") ==
        "{\"event\":\"row\",\"name\":\"a long name\",\"number\":1}\n"
        "{\"event\":\"row\",\"name\":\"b\",\"number\":12345678}\n");
}

TEST_CASE("table: without rows there is nothing, not even a heading") {
  CHECK(told(Table({"name"}), false).empty());
}
