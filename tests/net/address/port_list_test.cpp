#include "net/address/port_list.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace sockx;

using Ports = std::vector<std::uint16_t>;

TEST_CASE("port list: numbers, ranges and names, each port once and in order") {
  struct Row {
    std::string list;
    Ports ports;
  };
  for (const auto& [list, ports] : {
           Row{"80", {80}},
           Row{"443,22,80", {22, 80, 443}},
           Row{"8000-8003", {8000, 8001, 8002, 8003}},
           Row{"7-7", {7}},
           Row{"5-7,6-8,7", {5, 6, 7, 8}},
           Row{"http,ssh,https", {22, 80, 443}},
           Row{"http-alt", {8080}},
           Row{"65534-65535", {65534, 65535}},
       }) {
    CAPTURE(list);
    CHECK(parse_port_list(list) == ports);
  }
  CHECK(parse_port_list("1-65535").size() == 65535);
}

TEST_CASE("port list: what is wrong is quoted") {
  struct Row {
    std::string list, message;
  };
  for (const auto& [list, message] : {
           Row{"", "'': a port is missing"},
           Row{"22,", "'22,': a port is missing"},
           Row{"22,,80", "'22,,80': a port is missing"},
           Row{"22,90-80,1", "'90-80': the range runs backwards: say 80-90"},
           Row{"22,80-", "'80-': a range of ports is two numbers"},
           Row{"-80", "'-80': a range of ports is two numbers"},
           Row{"80-http", "'80-http': a range of ports is two numbers"},
           Row{"1-2-3", "'1-2-3': a range of ports is two numbers"},
           Row{"0", "'0': port 0 cannot be connected to"},
           Row{"0-5", "'0-5': port 0 cannot be connected to"},
           Row{"65536", "'65536': a port is a number"},
           Row{"1-65536", "'65536': a port is a number"},
           Row{"22,htttp", "'htttp': no such service for TCP (did you mean http?)"},
           Row{"2 2", "'2 2': no such service"},
       }) {
    CAPTURE(list);
    CHECK_THROWS_WITH_AS(parse_port_list(list), doctest::Contains(message.c_str()), BadInput);
  }
}

TEST_CASE("port list: what follows each other is shown as a range") {
  CHECK(show_port_list({}).empty());
  CHECK(show_port_list({9}) == "9");
  CHECK(show_port_list({1, 2}) == "1-2");
  CHECK(show_port_list({1, 2, 3, 5, 7, 8}) == "1-3, 5, 7-8");
  CHECK(show_port_list(parse_port_list("1-21,23-65535")) == "1-21, 23-65535");
}
