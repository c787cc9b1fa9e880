// getaddrinfo: every hint and flag against Python's socket module, and what is refused.
#include "../../support/events.hpp"
#include "../../support/name_service.hpp"
#include "../../support/sockx.hpp"

namespace test {

namespace {

TEST_CASE(
    "getaddrinfo: the five-tuples are those of Python's socket module, in their order, and so are errors") {
  const NameService names;
  if (names.works()) check_with_oracle(names, "getaddrinfo");
}

TEST_CASE("getaddrinfo: a table for people, an event for each row for programs") {
  const NameService names;
  if (!names.works()) return;
  const auto words =
      names.sockx({"getaddrinfo", "--flags", "canonname", "--socktype", "stream", "one", "http"});
  CHECK(run(words) ==
        "family   type         protocol     canonical    host       port  flowinfo  scope\n"
        "AF_INET  SOCK_STREAM  IPPROTO_TCP  one.example  192.0.2.1  80    -         -\n");
  const auto events = events_in(run(words + std::vector<std::string>{"--json"}));
  REQUIRE(events.size() == 2);
  CHECK(without_time(events[0]) == json{{"event", "addrinfo"},
                                        {"family", "AF_INET"},
                                        {"type", "SOCK_STREAM"},
                                        {"protocol", "IPPROTO_TCP"},
                                        {"protocol_number", 6},
                                        {"canonical_name", "one.example"},
                                        {"host", "192.0.2.1"},
                                        {"port", 80}});
  CHECK(events[1].at("event") == "answered");
  CHECK(events[1].at("tuples") == 1);
}

TEST_CASE("getaddrinfo --trace: the call with all its hints, and what it came to") {
  Process process(sockx({"getaddrinfo", "--trace", "--family", "inet", "--protocol", "udp", "--flags",
                         "AI_NUMERICHOST,AI_PASSIVE", "127.0.0.1"}));
  check_end(process, exited(0));
  CHECK(process.err() ==
        "getaddrinfo(127.0.0.1, NULL, {AF_INET, 0, IPPROTO_UDP, AI_PASSIVE|AI_NUMERICHOST}) = "
        "0 (1 address)\n");
  Process failing(sockx({"getaddrinfo", "--trace", "--flags", "AI_NUMERICHOST", "localhost"}));
  check_end(failing, exited(3));
  CHECK(lines_of(failing.err()).front() ==
        "getaddrinfo(localhost, NULL, {AF_UNSPEC, 0, 0, AI_NUMERICHOST}) = "
        "EAI_NONAME (Name or service not known)");
}

TEST_CASE("getaddrinfo: a refusal bears its EAI_ name, in the event too, and the status is 3") {
  const NameService names, refused(NameService::Dns::refuses);
  if (!names.works() || !refused.works()) return;
  struct Row {
    const NameService& where;
    std::vector<std::string> words;
    std::string name, said;
  };
  for (const auto& [where, words, name, said] : std::vector<Row>{
           {names, {"nosuch.invalid"}, "EAI_NONAME", "nosuch.invalid: EAI_NONAME: Name or service not known"},
           {names, {""}, "EAI_NONAME", "getaddrinfo '': EAI_NONAME"},
           {names, {"-", "-"}, "EAI_NONAME", "getaddrinfo NULL: EAI_NONAME"},
           {names, {"--", "-x"}, "EAI_NONAME", "getaddrinfo -x: EAI_NONAME"},
           {names, {std::string(1 << 16, 'x')}, "EAI_NONAME", " bytes left out] x"},
           {names, {"one", "nosuch"}, "EAI_SERVICE", "getaddrinfo one nosuch: EAI_SERVICE"},
           {names, {"--family", "unix", "one"}, "EAI_FAMILY", "EAI_FAMILY: ai_family not supported"},
           {names, {"--family", "77", "one"}, "EAI_FAMILY", "EAI_FAMILY"},
           {names, {"--socktype", "rdm", "one"}, "EAI_SOCKTYPE", "EAI_SOCKTYPE"},
           {names, {"--socktype", "dgram", "--protocol", "tcp", "one"}, "EAI_SOCKTYPE", "EAI_SOCKTYPE"},
           {names, {"--family", "inet", "::1"}, "EAI_ADDRFAMILY", "EAI_ADDRFAMILY"},
           {names, {"--flags", "AI_CANONNAME", "-", "80"}, "EAI_BADFLAGS", "NULL 80: EAI_BADFLAGS"},
           {refused, {"nosuch.invalid"}, "EAI_AGAIN", "EAI_AGAIN: Temporary failure in name resolution"},
       }) {
    Process process(where.sockx({"getaddrinfo"}) + words);
    check_failure(process, 3, said);
    Process json_too(where.sockx({"getaddrinfo", "--json"}) + words);
    check_end(json_too, exited(3));
    CHECK(event_of(events_in(json_too.err()), "error").at("error") == name);
  }
}

TEST_CASE("getaddrinfo: what is wrong with the words is one line and status 2") {
  struct Row {
    std::vector<std::string> words;
    std::string said;
  };
  for (const auto& [words, said] : std::vector<Row>{
           {{}, "getaddrinfo of what? Say a host, a service or both"},
           {{"x", "y", "z"}, "'z': one word too many"},
           {{"--family", "inet7", "x"}, "--family: 'inet7': no such address family; did you mean AF_INET?"},
           {{"--family", "-1", "x"}, "--family: '-1': no such address family"},
           {{"--socktype", "", "x"}, "--socktype: '': no such socket type; there are SOCK_STREAM"},
           {{"--protocol", "nosuch", "x"}, "--protocol: 'nosuch': no such protocol"},
           {{"--protocol", "99999999999", "x"}, "--protocol: '99999999999': no such protocol"},
           {{"--flags", "AI_PASIVE", "x"},
            "--flags: 'AI_PASIVE': no such flag of getaddrinfo(3); did you mean AI_PASSIVE?"},
           {{"--flags", "AI_PASSIVE,", "x"}, "--flags: 'AI_PASSIVE,': say one or more names"},
           {{"--flags", "NI_DGRAM", "x"}, "--flags: 'NI_DGRAM': no such flag"},
           {{"--flags", "4", "x"}, "--flags: '4': no such flag"},
           {{"--timeout", "soon", "x"}, "--timeout: 'soon'"},
           {{"-x"}, "'-x': no such option"},
       }) {
    Process process(sockx({"getaddrinfo"}) + words);
    check_failure(process, 2, said);
    CHECK(process.out().empty());
  }
}

TEST_CASE("getaddrinfo --timeout: a name server that never answers is status 5") {
  const NameService names(NameService::Dns::is_silent);
  if (!names.works()) return;
  Process process(names.sockx({"getaddrinfo", "--timeout", "100ms", "nosuch.invalid"}));
  check_failure(process, 5, "getaddrinfo nosuch.invalid: no answer in time");
}

TEST_CASE("getaddrinfo: a standard output that is full is status 11") {
  Process process(sockx({"getaddrinfo", "127.0.0.1"}), {Stdio::null(), Stdio::output("/dev/full")});
  check_failure(process, 11, "write stdout: No space left on device");
}

}  // namespace

}  // namespace test
