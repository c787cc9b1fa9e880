#include "net/stream/access_list.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "../../support/descriptors.hpp"
#include "../../support/files.hpp"
#include "../../support/said_of.hpp"
#include "base/error.hpp"
#include "net/address/lookups.hpp"
#include "net/address/numeric_address.hpp"

using namespace sockx;

namespace {

std::string objection(const AccessSources& sources, const std::string& address) {
  return AccessList(sources).reason_to_refuse({numeric_address(address).value()}).value_or("");
}

AccessSources rules(const std::string& allow, const std::string& deny) {
  AccessSources sources;
  if (!allow.empty()) sources.allow = parse_access_words(allow);
  if (!deny.empty()) sources.deny = parse_access_words(deny);
  return sources;
}

}  // namespace

TEST_CASE("access list: without rules everybody may connect") { CHECK(objection({}, "192.0.2.1") == ""); }

TEST_CASE("access list: who is denied is not served, and who is not allowed where anybody is") {
  CHECK(objection(rules("", "192.0.2.0/24"), "192.0.2.1") == "denied by 192.0.2.0/24");
  CHECK(objection(rules("", "192.0.2.0/24"), "192.0.3.1") == "");
  CHECK(objection(rules("192.0.2.0/24,::1", ""), "192.0.2.1") == "");
  CHECK(objection(rules("192.0.2.0/24,::1", ""), "::1") == "");
  CHECK(objection(rules("192.0.2.0/24,::1", ""), "192.0.3.1") == "no rule allows it");
  CHECK(objection(rules("192.0.2.0/24", "192.0.2.1"), "192.0.2.1") == "denied by 192.0.2.1");
  CHECK(objection(rules("192.0.2.0/24", "192.0.2.1"), "192.0.2.2") == "");
}

TEST_CASE("access list: of several rules that mean a peer the first is told") {
  CHECK(objection(rules("", "::/0,192.0.2.0/24,192.0.2.1"), "192.0.2.1") == "denied by 192.0.2.0/24");
  CHECK(objection(rules("", "192.0.2.1,192.0.2.0/24"), "192.0.2.1") == "denied by 192.0.2.1");
  CHECK(objection(rules("", "192.0.2.1,192.0.2.0/24"), "::ffff:192.0.2.2") == "denied by 192.0.2.0/24");
  CHECK(objection(rules("", "2001:db8::1,::/0"), "2001:db8::2") == "denied by ::/0");
  CHECK(objection(rules("", "192.0.2.1,192.0.2.1/32,0.0.0.0/0"), "192.0.2.1") == "denied by 192.0.2.1");
  CHECK(objection(rules("", "fe80::1%1"), "fe80::1%1") == "denied by fe80::1%1");
  CHECK(objection(rules("", "fe80::1%1"), "fe80::1%2") == "");
  CHECK(objection(rules("", "fe80::1"), "fe80::1%2") == "denied by fe80::1");
}

TEST_CASE("access list: users are those of unix sockets") {
  const auto unnamed = Address::unix_name("@x");
  const AccessList only_root(rules("uid:root", ""));
  CHECK_FALSE(only_root.reason_to_refuse({unnamed, 0U}));
  CHECK(only_root.reason_to_refuse({unnamed, 7U}) == "no rule allows it");
  CHECK(only_root.reason_to_refuse({numeric_address("127.0.0.1").value()}) == "no rule allows it");
  CHECK(AccessList(rules("", "uid:7")).reason_to_refuse({unnamed, 7U}) == "denied by uid:7");
  CHECK_FALSE(AccessList(rules("", "0.0.0.0/0,::/0")).reason_to_refuse({unnamed, 7U}));
  CHECK(test::said_of([&] { AccessList{rules("uid:no such one", "")}; }) ==
        "--allow: 'no such one': no such user; say a name of passwd(5), or a number");
}

TEST_CASE("access list: the user of a unix peer is whoever has connected") {
  auto pair = test::unix_pair();
  EventLoop loop;
  auto accepted = connection_of(loop, Socket(std::move(pair.ours)), Address::unix_name("@x"));
  CHECK(Peer::of(accepted).user == getuid());
  auto connected = test::tcp_pair();
  accepted = connection_of(loop, Socket(std::move(connected.ours)), numeric_address("127.0.0.1").value());
  CHECK_FALSE(Peer::of(accepted).user);
}

TEST_CASE("access list: the names of hosts are looked up when the rules are read") {
  CHECK(objection(rules("localhost", ""), "127.0.0.1") == "");
  CHECK(objection(rules("localhost", ""), "127.0.0.2") == "no rule allows it");
  auto numeric = rules("localhost", "");
  numeric.numeric = true;
  CHECK_THROWS_AS(AccessList{numeric}, ResolveError);
}

TEST_CASE("access list: a file has one rule a line, comments and empty lines aside") {
  const test::Folder folder;
  AccessSources sources;
  sources.allow_file = test::write_file(folder / "allowed",
                                        "# who may\n\n192.0.2.0/24\n \t2001:db8::/32 # ours\r\n   \nuid:0");
  CHECK(objection(sources, "192.0.2.1") == "");
  CHECK(objection(sources, "2001:db8::7") == "");
  CHECK(objection(sources, "198.51.100.1") == "no rule allows it");
  test::write_file(folder / "allowed", "# nobody\n");
  CHECK(objection(sources, "192.0.2.1") == "no rule allows it");
  sources = {};
  sources.deny_file = test::write_file(folder / "denied", "192.0.2.1\n");
  CHECK(objection(sources, "192.0.2.1") == "denied by 192.0.2.1");
  test::write_file(folder / "denied", "");
  CHECK(objection(sources, "192.0.2.1") == "");
}

TEST_CASE("access list: a bad line is told by its file and number, and so is a file that cannot be read") {
  const test::Folder folder;
  AccessSources sources;
  sources.deny_file = test::write_file(folder / "denied", "::1\n10.0.0.0/40\n");
  CHECK(test::said_of([&] { AccessList{sources}; }) ==
        "--deny-file: '10.0.0.0/40': '40' is no number of bits from 0 to 32 (" + sources.deny_file +
            ", line 2)");
  test::write_file(folder / "denied", "::1 ::2\n");
  CHECK_THROWS_WITH_AS(AccessList{sources}, doctest::Contains("'::1 ::2': a rule is like"), BadInput);
  test::write_file(folder / "denied", "\nuid:nosuch\n");
  CHECK_THROWS_WITH_AS(AccessList{sources}, doctest::Contains("denied, line 2)"), BadInput);
  test::write_file(folder / "denied", std::string(5'000'000, 'x'));
  CHECK(test::said_of([&] { AccessList{sources}; }) == "--deny-file: '" + std::string(200, 'x') +
                                                           "...': 5000000 bytes are too many for a rule (" +
                                                           sources.deny_file + ", line 1)");
  test::write_file(folder / "denied", std::string("::1\0\0 \x1b", 7) + std::string(300, 'y'));
  CHECK(test::said_of([&] { AccessList{sources}; }) ==
        "--deny-file: '::1\\x00\\x00 \\x1b" + std::string(193, 'y') +
            "...': a rule is text, without NUL bytes (" + sources.deny_file + ", line 1)");
  test::write_file(folder / "denied", "::1 # a comment\n" + std::string("::2 \0\n", 6));
  CHECK(test::said_of([&] { AccessList{sources}; }) ==
        "--deny-file: '::2 \\x00': a rule is text, without NUL bytes (" + sources.deny_file + ", line 2)");
  sources.deny_file = "/dev/null";
  CHECK_THROWS_WITH_AS(AccessList{sources}, doctest::Contains("rules are read from a regular file"),
                       BadInput);
  sources.deny_file = folder / "none";
  CHECK(test::said_of([&] { AccessList{sources}; }) ==
        "--deny-file: '" + sources.deny_file + "': No such file or directory");
  sources.deny_file = folder.path();
  CHECK(test::said_of([&] { AccessList{sources}; }) ==
        "--deny-file: '" + folder.path() + "': Is a directory");
}

TEST_CASE("access list: the size of a file and the number of its rules are bounded") {
  const test::Folder folder;
  AccessSources sources;
  sources.allow_file = test::write_file(folder / "allowed", "");
  std::filesystem::resize_file(sources.allow_file, (16 << 20) + 1);
  CHECK(test::said_of([&] { AccessList{sources}; }) ==
        "--allow-file: '" + sources.allow_file + "': a file of rules has at most 16 MiB");
  std::string rules;
  for (int i = 0; i < 100'000; ++i) rules += "::1\n";
  CHECK(parse_access_file(rules, "rules").size() == 100'000);
  CHECK_THROWS_WITH_AS(parse_access_file(rules + "# more\n::2\n", "rules"),
                       "'rules': a file of rules has at most 100000 rules", BadInput);
}
