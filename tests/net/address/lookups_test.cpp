#include "net/address/lookups.hpp"

#include <doctest/doctest.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "net/address/names.hpp"

using namespace sockx;

namespace {

/// The address that a word is.
Address numeric(const std::string& word, const std::string& port = "0") {
  const auto answer =
      get_address_info({word, port, AF_UNSPEC, SOCK_STREAM, 0, AI_NUMERICHOST | AI_NUMERICSERV});
  REQUIRE(answer.status);
  return answer.tuples.front().address;
}

}  // namespace

TEST_CASE("names: numbers of the socket interface bear their names") {
  CHECK(address_families.name_of(AF_INET6) == "AF_INET6");
  CHECK(address_families.name_of(AF_UNSPEC) == "AF_UNSPEC");
  CHECK(address_families.name_of(12345) == "12345");
  CHECK(socket_types.name_of(SOCK_SEQPACKET) == "SOCK_SEQPACKET");
  CHECK(ai_flags.names_of(AI_PASSIVE | AI_NUMERICSERV) == "AI_PASSIVE|AI_NUMERICSERV");
  CHECK(eai_errors.name_of(EAI_NONAME) == "EAI_NONAME");
  CHECK(host_errors.name_of(NO_DATA) == "NO_DATA");
  CHECK(host_errors.name_of(NETDB_INTERNAL) == "NETDB_INTERNAL");
  CHECK(protocol_name(IPPROTO_TCP) == "IPPROTO_TCP");
  CHECK(protocol_name(0) == "0");
  CHECK(protocol_name(250) == "250");
}

TEST_CASE("names: NI_NUMERICSCOPE is a bit of its own") {
  for (const auto& [name, number] : ni_flags.rows)
    if (name != "NI_NUMERICSCOPE") CHECK_MESSAGE((number & NI_NUMERICSCOPE) == 0, std::string(name));
}

TEST_CASE("lookups: a protocol is read by any of its names") {
  CHECK(parse_protocol("tcp") == IPPROTO_TCP);
  CHECK(parse_protocol("TCP") == IPPROTO_TCP);
  CHECK(parse_protocol("IPPROTO_UDP") == IPPROTO_UDP);
  CHECK(parse_protocol("132") == IPPROTO_SCTP);
  CHECK(parse_protocol("IPPROTO_MPTCP") == IPPROTO_MPTCP);
  CHECK_THROWS_AS(parse_protocol("nosuch"), BadInput);
  CHECK_THROWS_AS(parse_protocol(""), BadInput);
}

TEST_CASE("lookups: an answer of getaddrinfo has every tuple as it came") {
  const auto answer = get_address_info({"127.0.0.1", "80", AF_UNSPEC, 0, 0, AI_CANONNAME});
  REQUIRE(answer.status);
  REQUIRE(answer.tuples.size() == 3);
  CHECK(answer.tuples[0].type == SOCK_STREAM);
  CHECK(answer.tuples[1].type == SOCK_DGRAM);
  CHECK(answer.tuples[2].type == SOCK_RAW);
  CHECK(answer.tuples[0].canonical_name == "127.0.0.1");
  CHECK(answer.tuples[1].canonical_name.empty());
  for (const auto& tuple : answer.tuples) CHECK(tuple.address.to_string() == "127.0.0.1:80");
  CHECK(answer.summary() == "0 (3 addresses)");
}

TEST_CASE("lookups: a refusal of getaddrinfo bears its name and what it was asked") {
  const AddressQuery query{"", "http", AF_INET, SOCK_STREAM, 0, AI_NUMERICHOST};
  CHECK(query.words() == "'' http");
  CHECK(query.to_string() == "'', http, {AF_INET, SOCK_STREAM, 0, AI_NUMERICHOST}");
  CHECK(AddressQuery{}.to_string() == "NULL, NULL, {AF_UNSPEC, 0, 0, 0}");
  const auto answer = get_address_info(query);
  CHECK(answer.status.name() == "EAI_NONAME");
  CHECK(answer.summary() == "EAI_NONAME (Name or service not known)");
  CHECK_THROWS_WITH_AS(answer.status.check("getaddrinfo"),
                       "getaddrinfo: EAI_NONAME: Name or service not known", ResolveError);
  CHECK_NOTHROW(EaiStatus{}.check("getaddrinfo"));
}

TEST_CASE("lookups: EAI_SYSTEM is explained by the errno that goes with it") {
  const EaiStatus status{EAI_SYSTEM, EMFILE};
  CHECK(status.name() == "EAI_SYSTEM");
  CHECK(status.explanation() == "Too many open files");
}

TEST_CASE("lookups: an IPv6 address keeps its scope and its flow") {
  const auto index = if_nametoindex("lo");
  const auto address = numeric("fe80::1%lo", "443");
  CHECK(address.ntop() == "fe80::1");
  CHECK(address.scope_id() == index);
  CHECK(address.flowinfo() == 0);
  CHECK(numeric("::ffff:192.0.2.1").ntop() == "::ffff:192.0.2.1");
  sockaddr_in6 labelled{};
  labelled.sin6_family = AF_INET6;
  labelled.sin6_flowinfo = htonl(0xabcde);
  CHECK(Address(reinterpret_cast<const sockaddr*>(&labelled), sizeof labelled).flowinfo() == 0xabcde);
}

TEST_CASE("lookups: NI_NUMERICSCOPE shows the number of the interface, and the others its name") {
  const auto address = numeric("fe80::1%lo", "443");
  constexpr int numbers = NI_NUMERICHOST | NI_NUMERICSERV;
  CHECK(get_name_info(address, numbers).host == "fe80::1%lo");
  CHECK(get_name_info(address, numbers | NI_NUMERICSCOPE).host ==
        "fe80::1%" + std::to_string(if_nametoindex("lo")));
  CHECK(get_name_info(numeric("::1"), numbers | NI_NUMERICSCOPE).host == "::1");
  CHECK(get_name_info(address, numbers).service == "443");
}

TEST_CASE("lookups: a flag that getnameinfo does not know is its own refusal") {
  CHECK(get_name_info(numeric("127.0.0.1"), 0x4000).status.name() == "EAI_BADFLAGS");
}

TEST_CASE("lookups: a service and a protocol both ways, and what there is not") {
  const auto by_name = get_service_by_name("http", "tcp"), by_port = get_service_by_port(80, "");
  REQUIRE(by_name);
  REQUIRE(by_port);
  CHECK(by_name->port == 80);
  CHECK(by_name->protocol == "tcp");
  CHECK(by_port->name == "http");
  CHECK(std::ranges::find(by_port->aliases, "www") != by_port->aliases.end());
  CHECK_FALSE(get_service_by_name("http", "nosuch"));
  CHECK_FALSE(get_service_by_name("", ""));
  CHECK_FALSE(get_service_by_port(0, ""));
  CHECK(get_protocol_by_name("UDP")->number == 17);
  CHECK(get_protocol_by_number(1)->name == "icmp");
  CHECK_FALSE(get_protocol_by_name(""));
  CHECK_FALSE(get_protocol_by_number(254));
}

TEST_CASE("lookups: the table of this host has localhost both ways") {
  const auto by_name = get_host_by_name("localhost");
  REQUIRE(by_name.error == 0);
  CHECK(by_name.entry.name == "localhost");
  CHECK(by_name.entry.addresses.front() == "127.0.0.1");
  const auto by_address = get_host_by_address(numeric("127.0.0.1"));
  REQUIRE(by_address.error == 0);
  CHECK(by_address.entry.addresses == std::vector<std::string>{"127.0.0.1"});
  CHECK_FALSE(get_host_name().empty());
}
