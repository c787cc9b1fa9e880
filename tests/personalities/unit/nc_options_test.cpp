// The letters of nc.
#include "personalities/nc_options.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sockx;

namespace {

NcOptions parse(std::vector<std::string> words) {
  words.insert(words.begin(), "/usr/bin/nc");
  return parse_nc(words);
}

/// What nc prints in place of a run.
std::string refusal(std::vector<std::string> words) {
  try {
    parse(std::move(words));
  } catch (const NcEnd& end) {
    CHECK(end.status() == 1);
    return end.what();
  }
  return "";
}

}  // namespace

TEST_CASE("nc's letters: they stand in clusters, values adjoin them, and options may follow the operands") {
  const auto options = parse({"-zvw5", "host", "22", "-n", "80-82"});
  CHECK(options.scans);
  CHECK(options.verbosity == 1);
  CHECK(options.timeout == 5);
  CHECK(options.numeric);
  CHECK(options.host == "host");
  CHECK(options.ports == std::vector<std::uint16_t>{22, 80, 81, 82});
  CHECK(options.name == "nc");
}

TEST_CASE("nc's letters: two dashes end the options") { CHECK(parse({"-U", "--", "-v"}).host == "-v"); }

TEST_CASE("nc's letters: a listener has its address as operands, or by -s and -p") {
  for (const auto& words : {std::vector<std::string>{"-l", "127.0.0.1", "5678"},
                            {"-l", "-s", "127.0.0.1", "-p", "5678"},
                            {"-lp5678", "-s127.0.0.1"}}) {
    const auto options = parse(words);
    CHECK(options.listens);
    CHECK(options.host == "127.0.0.1");
    CHECK(options.port == "5678");
    CHECK(!options.source);
    CHECK(!options.source_port);
  }
  CHECK(refusal({"-l", "-p", "5678", "127.0.0.1"}).starts_with("usage: nc "));
  CHECK(refusal({"-l"}) == "nc: missing port number\n");
}

TEST_CASE("nc's letters: -q implies -N unless it is negative") {
  CHECK(parse({"-q0", "host", "1"}).passes_end());
  CHECK(parse({"-q", "3", "host", "1"}).quit == 3);
  CHECK(!parse({"-q", "-1", "host", "1"}).passes_end());
  CHECK(!parse({"host", "1"}).passes_end());
  CHECK(parse({"-N", "host", "1"}).passes_end());
}

TEST_CASE("nc's letters: -T takes the names of nc, and numbers") {
  CHECK(parse({"-T", "ef", "host", "1"}).tos == 0xb8);
  CHECK(parse({"-T", "lowdelay", "host", "1"}).tos == 0x10);
  CHECK(parse({"-T", "0x20", "host", "1"}).tos == 32);
  CHECK(parse({"-T", "255", "host", "1"}).tos == 255);
  CHECK(refusal({"-T", "256", "host", "1"}) == "nc: illegal tos value 256\n");
}

TEST_CASE("nc's letters: numbers that are wrong are called what strtonum(3) calls them") {
  CHECK(refusal({"-w", "x", "host", "1"}) == "nc: timeout invalid: x\n");
  CHECK(refusal({"-w", "-1", "host", "1"}) == "nc: timeout too small: -1\n");
  CHECK(refusal({"-w", "99999999999999999999", "host", "1"}) ==
        "nc: timeout too large: 99999999999999999999\n");
  CHECK(refusal({"-M", "256", "host", "1"}) == "nc: ttl is too large\n");
  CHECK(refusal({"host", "70000"}) == "nc: port number too large: 70000\n");
  CHECK(refusal({"host", "5-x"}) == "nc: port number invalid: x\n");
  CHECK(refusal({"-l", "70000"}) == "nc: port number too large: 70000\n");
}

TEST_CASE("nc's letters: a proxy has a port, or the usual one, and IPv6 addresses stand in brackets") {
  const auto proxy = [](const std::string& word) { return *parse({"-x", word, "host", "1"}).proxy; };
  CHECK(proxy("proxy").host == "proxy");
  CHECK(!proxy("proxy").port);
  CHECK(proxy("proxy:99").port == "99");
  CHECK(proxy("[::1]:99").host == "::1");
  CHECK(proxy("[::1]").host == "::1");
  CHECK(parse({"-Xconnect", "-x", "proxy", "host", "1"}).proxy->kind == NcProxy::Kind::connect);
  CHECK(refusal({"-x", "[::1", "host", "1"}) == "nc: missing closing bracket in proxy\n");
}

TEST_CASE("nc's letters: those that we do not have are refused in one line that says what to use") {
  for (const auto* const letter : {"-V", "-S", "-Z", "-t", "-c", "-e"}) {
    const auto message = refusal({letter, "x", "host", "1"});
    CHECK(message.starts_with(std::string("nc: ") + letter + ": "));
    CHECK(message.find('\n') == message.size() - 1);
    CHECK(message.find("use ") != std::string::npos);
  }
}

TEST_CASE("nc's letters: an unknown one is told as getopt(3) does, by the whole name") {
  CHECK(refusal({"-Q"}).starts_with("/usr/bin/nc: invalid option -- 'Q'\nusage: nc "));
  CHECK(refusal({"-w"}).starts_with("/usr/bin/nc: option requires an argument -- 'w'\nusage: nc "));
}

TEST_CASE("nc's letters: control characters that were typed are not printed") {
  CHECK(refusal({"-w", "x\x1b[31m\n", "host", "1"}) == "nc: timeout invalid: x?[31m?\n");
  CHECK(refusal({"-\x1b"}).starts_with("/usr/bin/nc: invalid option -- '?'\nusage: nc "));
  try {
    parse_nc({"/tmp/\x1b/n\x1b", "-w"});
    FAIL("a missing value was accepted");
  } catch (const NcEnd& end) {
    CHECK(std::string(end.what()).starts_with("/tmp/?/n?: option requires an argument -- 'w'\nusage: nc "));
  }
}
