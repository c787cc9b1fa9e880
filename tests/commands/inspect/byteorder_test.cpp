// byteorder: what byteorder(3) and inet(3) do, against Python's socket module, and what is refused.
#include <signal.h>

#include <bit>

#include "../../support/events.hpp"
#include "../../support/name_service.hpp"
#include "../../support/sockx.hpp"

namespace test {

namespace {

TEST_CASE("byteorder: numbers are exchanged as Python's socket module does, and refused out of range") {
  const NameService names;
  if (names.works()) check_with_oracle(names, "numbers");
}

TEST_CASE("byteorder: addresses are packed and unpacked, and refused, as Python's socket module does") {
  const NameService names;
  if (names.works()) check_with_oracle(names, "addresses");
}

TEST_CASE("byteorder: alone it draws numbers as they stand in memory and go out to the network") {
  const auto drawn = run(sockx({"byteorder"}));
  const bool is_little = std::endian::native == std::endian::little;
  CHECK(contains(drawn, is_little ? "This machine is little-endian" : "This machine is big-endian"));
  CHECK(contains(drawn, is_little ? "host     04 03 02 01\n  network  01 02 03 04"
                                  : "host     01 02 03 04\n  network  01 02 03 04"));
  const auto events = events_in(run(sockx({"byteorder", "--json"})));
  REQUIRE(events.size() == 3);
  CHECK(events[2].at("value") == 0x0102030405060708);
  CHECK(events[2].at("network") == "0102030405060708");
  CHECK(events[2].at("host") == (is_little ? "0807060504030201" : "0102030405060708"));
}

TEST_CASE("byteorder: one value is answered alone, of several each is named") {
  CHECK(run(sockx({"byteorder", "inet-aton", "127.1"})) == "7f000001\n");
  CHECK(run(sockx({"byteorder", "inet_pton", "::1", "1.2.3.4"})) ==
        "::1\t00000000000000000000000000000001\n1.2.3.4\t01020304\n");
  if (std::endian::native == std::endian::little)
    CHECK(run(sockx({"byteorder", "htons", "0x50"})) == "20480  0x5000  00 50\n");
}

TEST_CASE("byteorder -: values come line by line, blanks around them and empty lines do not count") {
  Process process(sockx({"byteorder", "inet-ntoa", "01010101", "-", "03030303"}), {Stdio::pipe()});
  process.feed("\n  02020202 \r\n\t\n");
  check_end(process, exited(0));
  CHECK(process.out() == "01010101\t1.1.1.1\n02020202\t2.2.2.2\n03030303\t3.3.3.3\n");
}

TEST_CASE("byteorder: a bad value does not stop the others, and the status is 2") {
  Process process(sockx({"byteorder", "inet-aton", "1.1", "1.1.1.1.1", "[1,2]", "{}", "", "2.2"}));
  check_end(process, exited(2));
  CHECK(process.out() == "1.1\t01000001\n2.2\t02000002\n");
  const auto errors = lines_of(process.err());
  REQUIRE(errors.size() == 4);
  CHECK(errors[0].starts_with("sockx: '1.1.1.1.1': inet_aton(3) takes"));
  CHECK(errors[1].starts_with("sockx: '[1,2]': "));
  CHECK(errors[2].starts_with("sockx: '{}': "));
  CHECK(errors[3] == "sockx: '': say something");
}

TEST_CASE("byteorder: what is wrong is one line and status 2") {
  struct Row {
    std::vector<std::string> words;
    std::string said;
  };
  for (const auto& [words, said] : std::vector<Row>{
           {{"htons", "65536"}, "'65536': a value of 16 bits is 0 to 65535"},
           {{"htons", "-1"}, "'-1': a value of 16 bits is 0 to 65535"},
           {{"htons", "--", "-1"}, "'-1': a value of 16 bits is 0 to 65535"},
           {{"htonl", "0x100000000"}, "'0x100000000': a value of 32 bits is 0 to 4294967295"},
           {{"ntohll", "18446744073709551616"}, "64 bits is 0 to 18446744073709551615"},
           {{"htons", "eighty"}, "'eighty': a number is decimal"},
           {{"htons", "a\nb\x1b[2J"}, "'a?b?[2J': a number is"},
           {{"htons", std::string(100'000, '1')}, " bytes left out] 1"},
           {{"htons"}, "htons of what? Say a value"},
           {{"htnos", "1"}, "'htnos': no such function; did you mean htons?"},
           {{"swap", "1"}, "'swap': no such function; there are htons, htonl"},
           {{"inet-ntoa", "7f0000"}, "takes 4 bytes in hexadecimal"},
           {{"inet-pton", "--family", "inet", "::1"}, "'::1': inet_pton(3) takes four decimal numbers"},
           {{"inet-pton", "--family", "unix", "::1"}, "--family: 'unix': say inet or inet6"},
           {{"inet-ntop", "--family", "inet6", "7f000001"}, "takes 16 bytes in hexadecimal"},
           {{"htons", "--family", "inet", "1"}, "--family: htons has none"},
           {{"--family", "inet"}, "--family: only with inet-pton and inet-ntop"},
       }) {
    Process process(sockx({"byteorder"}) + words);
    check_failure(process, 2, said);
    CHECK(process.out().empty());
  }
}

TEST_CASE("byteorder -: no line is so odd that the next one is not read") {
  Process process(sockx({"byteorder", "--json", "inet-aton", "-"}), {Stdio::pipe()});
  process.feed(std::string("1.1.1.1\0 x\n", 11) + std::string(1 << 20, '1') + "\n\xff\xfe\n2.2.2.2\n");
  check_end(process, exited(2));
  CHECK(event_of(events_in(process.out()), "converted").at("result") == "02020202");
  const auto errors = events_in(process.err());
  REQUIRE(errors.size() == 3);
  CHECK(errors[0].at("word") == std::string("1.1.1.1\0 x", 10));
  CHECK(errors[0].at("message") == "'1.1.1.1' and then a NUL byte: names and numbers cannot contain one");
  CHECK(errors[1].at("word") == std::string(1 << 20, '1'));
  for (const auto& error : errors) CHECK(error.at("status") == 2);
}

TEST_CASE("byteorder -: a line without end is refused before it takes all memory") {
  Process process(sockx({"byteorder", "htons", "-"}), {Stdio::input("/dev/zero")});
  check_failure(process, 2, "stdin: a line has more than 4194304 bytes");
}

TEST_CASE("byteorder -: the reader of stdout is gone, and it ends though standard input stays open") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reader(ends[0]), writer(ends[1]);
  Process process(sockx({"byteorder", "htons", "-"}), {Stdio::pipe(), Stdio::given(writer.get())});
  writer.reset();
  process.write("1\n");
  char byte = 0;
  CHECK(read(reader.get(), &byte, 1) == 1);
  reader.reset();
  check_end(process, killed_by(SIGPIPE));
  CHECK(process.err().empty());
}

}  // namespace

}  // namespace test
