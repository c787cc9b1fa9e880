// resolve: every look-up against Python's socket module; many words at once; limits of time, and its ends.
#include <signal.h>
#include <sys/ioctl.h>

#include "../../support/events.hpp"
#include "../../support/name_service.hpp"
#include "../../support/namespace.hpp"
#include "../../support/sockx.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

std::string repeated(const std::string& line, int times) {
  std::string lines;
  for (int i = 0; i < times; ++i) lines += line;
  return lines;
}

TEST_CASE("resolve: hosts, forward and reverse, are what Python's socket module says") {
  const NameService names;
  if (names.works()) check_with_oracle(names, "hosts");
}

TEST_CASE("resolve --names: all flags of getnameinfo give what they give in Python's socket module") {
  const NameService names;
  if (names.works()) check_with_oracle(names, "getnameinfo");
}

TEST_CASE("resolve --service: all of services(5), both ways, as Python's socket module") {
  const NameService names;
  if (names.works()) check_with_oracle(names, "services");
}

TEST_CASE("resolve --protocol: all of protocols(5), both ways, as Python's socket module") {
  const NameService names;
  if (names.works()) check_with_oracle(names, "protocols");
}

TEST_CASE("resolve: one word is answered alone, of several each line names its word") {
  const NameService names;
  if (!names.works()) return;
  const auto say = [&names](const Words& words) { return run(names.sockx(Words{"resolve"} + words)); };
  CHECK(say({"one"}) == "192.0.2.1\n");
  CHECK(say({"-6", "many"}) == "2001:db8::2\n");
  CHECK(say({"-4", "many"}) == "192.0.2.2\n192.0.2.3\n");
  CHECK(say({"192.0.2.1"}) == "one.example\n");
  CHECK(say({"-4", "many", "plain", "192.0.2.1"}) ==
        "many\t192.0.2.2\nmany\t192.0.2.3\nplain\t198.51.100.7\n192.0.2.1\tone.example\n");
  CHECK(say({"--canonical", "first"}) == "one.example\n");
  CHECK(say({"--canonical", "first", "six"}) == "first\tone.example\nsix\tsix.example\n");
  CHECK(say({"--fqdn", "one"}) == "one.example\n");
  CHECK(say({"--aliases", "one"}) == "name one.example\naliases one first\naddresses 192.0.2.1\n");
  CHECK(say({"--aliases", "alone"}) == "name alone\naliases -\naddresses 198.51.100.8\n");
  CHECK(say({"--names", "192.0.2.1:80"}) == "one.example http\n");
  CHECK(say({"--names", "[2001:db8::9]:http", "192.0.2.1"}) ==
        "[2001:db8::9]:http\tsix.example http\n192.0.2.1\tone.example\n");
  CHECK(say({"--names", "--flags", "NI_NUMERICHOST,NI_NUMERICSCOPE", "fe80::1%lo"}) == "fe80::1%1\n");
  CHECK(say({"--service", "80/tcp"}) == "http 80/tcp www\n");
  CHECK(say({"--protocol", "17"}) == "udp 17 UDP\n");
  CHECK(say({"--hostname"}) == run(names.within({"hostname"})));
}

TEST_CASE("resolve --json: an event for each word, and an error for each that fails") {
  const NameService names;
  if (!names.works()) return;
  Process process(names.sockx({"resolve", "--json", "many", "nosuch.invalid", "--timeout", "10s", "one"}));
  check_end(process, exited(3));
  const auto events = events_in(process.out());
  REQUIRE(events.size() == 2);
  CHECK(events[0].at("event") == "resolved");
  CHECK(events[0].at("word") == "many");
  CHECK(events[0].at("addresses").size() == 3);
  CHECK(events[0].at("seconds").is_number_float());
  CHECK(events[1].at("word") == "one");
  const auto error = event_of(events_in(process.err()), "error");
  CHECK(without_time(error) ==
        json{{"event", "error"},
             {"status", 3},
             {"message", "getaddrinfo nosuch.invalid: EAI_NONAME: Name or service not known"},
             {"error", "EAI_NONAME"},
             {"word", "nosuch.invalid"}});
}

TEST_CASE("resolve --events, --trace, --quiet: the events in a file, the calls, nothing but failures") {
  const NameService names;
  if (!names.works()) return;
  const Folder folder;
  Process process(
      names.sockx({"resolve", "--events", folder / "events", "--trace", "one", "nosuch", "192.0.2.1"}));
  check_end(process, exited(3));
  CHECK(process.out() == "one\t192.0.2.1\n192.0.2.1\tone.example\n");
  CHECK(process.err() ==
        "getaddrinfo(one, NULL, {AF_UNSPEC, SOCK_STREAM, 0, 0}) = 0 (1 address)\n"
        "getaddrinfo(nosuch, NULL, {AF_UNSPEC, SOCK_STREAM, 0, 0}) = "
        "EAI_NONAME (Name or service not known)\n"
        "sockx: getaddrinfo nosuch: EAI_NONAME: Name or service not known\n"
        "getnameinfo(192.0.2.1:0, NI_NAMEREQD) = 0 (one.example, 0)\n");
  std::string order;
  for (const auto& event : events_in(read_file(folder / "events")))
    if (event.contains("word")) order += event.at("event").get<std::string>() + ' ';
  CHECK(order == "resolved error resolved ");

  Process quiet(names.sockx({"resolve", "--quiet", "one", "nosuch"}));
  check_failure(quiet, 3, "getaddrinfo nosuch");
  CHECK(quiet.out().empty());
}

TEST_CASE("resolve -: a thousand names are answered in their order, and bad ones do not stop the others") {
  const NameService names;
  if (!names.works()) return;
  Process process(names.sockx({"resolve", "-"}), {Stdio::pipe()});
  const Words kinds{"one", "192.0.2.1", "nosuch.example", "many", "198.51.100.7"};
  const Words answers{"one\t192.0.2.1\n", "192.0.2.1\tone.example\n", "", "", "198.51.100.7\tplain\n"};
  const auto many = run(names.sockx({"resolve", "many", "many"}));  // twice, so that lines name the word
  std::string input, expected;
  for (std::size_t i = 0; i < 1000; ++i) {
    const auto kind = (i * i + i / 7) % kinds.size();
    input += kinds[kind] + '\n';
    expected += kind == 3 ? many.substr(0, many.size() / 2) : answers[kind];
  }
  process.feed(input);
  check_end(process, exited(3));
  CHECK_MESSAGE(process.out() == expected, difference(process.out(), expected));
  const auto errors = lines_of(process.err());
  CHECK(errors.size() == static_cast<std::size_t>(std::ranges::count(lines_of(input), "nosuch.example")));
  for (const auto& line : errors)
    CHECK(line == "sockx: getaddrinfo nosuch.example: EAI_NONAME: Name or service not known");
}

// A sanitizer keeps what was freed for a while.
TEST_CASE("resolve -: memory does not grow with the number of words" * doctest::skip(is_sanitized())) {
  const auto peak_after = [](int words) {
    Process process(sockx({"resolve", "--service", "-"}), {Stdio::pipe()});
    process.write(repeated("80/tcp\n", words - 1));
    process.write("443/tcp\n");
    process.out_line("https 443/tcp");
    const auto peak = process.peak_memory();
    process.close_input();
    check_end(process, exited(0));
    return peak;
  };
  const auto few = peak_after(1000), many = peak_after(20'000);
  CHECK_MESSAGE(many < few + 8 * 1024, few, " KiB for 1000 words, ", many, " KiB for 20000");
}

TEST_CASE("resolve -: an answer comes while standard input stays open") {
  Process process(sockx({"resolve", "--protocol", "-"}), {Stdio::pipe()});
  process.write("tcp\n");
  CHECK(process.out_line() == "tcp\ttcp 6 TCP");
  process.write("udp\n");
  CHECK(process.out_line() == "udp\tudp 17 UDP");
  process.close_input();
  check_end(process, exited(0));
}

TEST_CASE("resolve -: odd lines are refused one by one, each with one line") {
  const NameService names;
  if (!names.works()) return;
  Process process(names.sockx({"resolve", "-"}), {Stdio::pipe()});
  process.feed(std::string("one\0 two\n", 9) + std::string(1 << 20, 'x') +
               "\na\x1b[2J\x07\n\xff\xfe\n-\n \t\nsix\n");
  check_end(process, exited(2));
  CHECK(process.out() == "six\t2001:db8::9\n");
  const auto errors = lines_of(process.err());
  REQUIRE(errors.size() == 5);
  CHECK(errors[0] == "sockx: 'one' and then a NUL byte: names and numbers cannot contain one");
  CHECK(contains(errors[1], " [1048227 bytes left out] "));
  CHECK(errors[2] == "sockx: getaddrinfo a?[2J?: EAI_NONAME: Name or service not known");
  CHECK(errors[4] == "sockx: getaddrinfo -: EAI_NONAME: Name or service not known");
}

TEST_CASE("resolve: a word that is none of its kind is one line, and what is not known is status 3") {
  const NameService names;
  if (!names.works()) return;
  struct Row {
    Words words;
    int status;
    std::string said;
  };
  for (const auto& [words, status, said] : std::vector<Row>{
           {{}, 2, "resolve what? Say names or addresses"},
           {{""}, 2, "'': say something"},
           {{"--service", ""}, 2, "'': say something"},
           {{"[a,b]"}, 3, "getaddrinfo [a,b]: EAI_NONAME"},
           {{"{}"}, 3, "getaddrinfo {}: EAI_NONAME"},
           {{"--", "-x"}, 3, "getaddrinfo -x: EAI_NONAME"},
           {{"-x"}, 2, "'-x': no such option"},
           {{"203.0.113.77"}, 3, "getnameinfo 203.0.113.77: EAI_NONAME"},
           {{"-4", "::1"}, 3, "getaddrinfo ::1: EAI_ADDRFAMILY"},
           {{"-4", "six"}, 3, "getaddrinfo six: EAI_NONAME"},
           {{"fe80::1%nosuch"}, 3, "getaddrinfo fe80::1%nosuch: EAI_NONAME"},
           {{"--names", "fe80::1%nosuch"}, 2, "'fe80::1%nosuch': an address is like"},
           {{"--names", "one"}, 2, "'one': an address is like"},
           {{"--names", "127.0.0.1:"}, 2, "'127.0.0.1:': an address is like"},
           {{"--names", "127.0.0.1:65536"}, 2, "'65536': a port is a number from 0 to 65535"},
           {{"--names", "[127.0.0.1]:80"}, 2, "'[127.0.0.1]:80': an address is like"},
           {{"--names", "[::1"}, 2, "'[::1': an address is like"},
           {{"--names", "--flags", "NI_NAMEREQD", "203.0.113.77"}, 3, "EAI_NONAME"},
           {{"--names", "--flags", "NI_NAMREQD", "::1"}, 2, "did you mean NI_NAMEREQD?"},
           {{"--names", "--flags", "", "::1"}, 2, "--flags: '': say one or more names"},
           {{"--flags", "NI_DGRAM", "::1"}, 2, "--flags requires --names"},
           {{"--aliases", "nosuch"}, 3, "gethostbyname nosuch: HOST_NOT_FOUND: Unknown host"},
           {{"--aliases", "203.0.113.77"}, 3, "gethostbyaddr 203.0.113.77: HOST_NOT_FOUND"},
           {{"--service", "nosuch/tcp"}, 3, "getservbyname nosuch/tcp: no such service"},
           {{"--service", "80/nosuch"}, 3, "getservbyport 80/nosuch: no such service"},
           {{"--service", "65536"}, 2, "'65536': a port is a number from 0 to 65535"},
           {{"--protocol", "nosuch"}, 3, "getprotobyname nosuch: no such protocol"},
           {{"--protocol", "65536"}, 2, "'65536': a protocol's number is 0 to 65535"},
           {{"--canonical", "--names", "x"}, 2, "cannot be combined with"},
           {{"-4", "-6", "x"}, 2, "cannot be combined with"},
           {{"-4", "--service", "http"}, 2, "cannot be combined with"},
           {{"--hostname", "--fqdn"}, 2, "cannot be combined with"},
           {{"--hostname", "x"}, 2, "--hostname: it takes no words"},
           {{"--parallel", "0", "x"}, 2, "--parallel"},
           {{"--parallel", "1025", "x"}, 2, "--parallel"},
           {{"--timeout", "soon", "x"}, 2, "--timeout: 'soon'"},
       }) {
    Process process(names.sockx(Words{"resolve"} + words));
    check_failure(process, status, said);
    CHECK(process.out().empty());
  }
}

TEST_CASE("resolve: the status is that of the first word that failed") {
  Process process(sockx({"resolve", "--protocol", "tcp", "nosuch", "99999"}));
  check_end(process, exited(3));
  Process reversed(sockx({"resolve", "--protocol", "tcp", "99999", "nosuch"}));
  check_end(reversed, exited(2));
}

TEST_CASE("resolve: where the name server refuses, every unknown name is EAI_AGAIN at once") {
  const NameService names(NameService::Dns::refuses);
  if (!names.works()) return;
  Process process(names.sockx({"resolve", "a.example", "one"}));
  check_failure(process, 3, "getaddrinfo a.example: EAI_AGAIN");
  CHECK(process.out() == "one\t192.0.2.1\n");
}

TEST_CASE("resolve --timeout: a name server that never answers costs each word its time, status 5") {
  const NameService names(NameService::Dns::is_silent);
  if (!names.works()) return;
  Process process(names.sockx({"resolve", "--timeout", "500ms", "--json", "a.example", "one", "b.example"}));
  check_end(process, exited(5));
  CHECK(event_of(events_in(process.out()), "resolved").at("word") == "one");
  const auto errors = events_in(process.err());
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].at("word") == "a.example");
  CHECK(errors[1].at("word") == "b.example");
  for (const auto& error : errors) {
    CHECK(error.at("status") == 5);
    CHECK(error.at("error") == "ETIMEDOUT");
  }
}

// The C library asks for 10 s; the threads that do so count among the parallel ones until they have ended.
TEST_CASE("resolve --timeout: look-ups that were given up do not keep the next words waiting for long") {
  const NameService names(NameService::Dns::is_silent);
  if (!names.works()) return;
  Process process(
      names.sockx({"resolve", "--timeout", "500ms", "--parallel", "1", "a.example", "b.example", "one"}));
  CHECK(process.wait(15s) == exited(5));
  CHECK(process.out() == "one\t192.0.2.1\n");
  CHECK(lines_of(process.err()).size() == 2);
}

TEST_CASE("resolve --deadline: the whole run is bounded, whoever does not answer") {
  const NameService names(NameService::Dns::is_silent);
  if (!names.works()) return;
  Process process(names.sockx({"resolve", "--deadline", "1s", "one", "a.example", "six"}));
  check_failure(process, 5, "the deadline of 1 s has passed");
  CHECK(process.out() == "one\t192.0.2.1\n");  // the third waits for the second
  Process waiting(sockx({"resolve", "--deadline", "100ms", "-"}), {Stdio::pipe()});
  check_failure(waiting, 5, "deadline");
}

TEST_CASE("resolve: a signal ends it at once, in a look-up as well as between two words") {
  const NameService names(NameService::Dns::is_silent);
  if (!names.works()) return;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    Process asking(names.sockx({"resolve", "one", "a.example"}));
    asking.out_line("one\t192.0.2.1");
    asking.signal(number);
    check_end(asking, killed_by(number));

    Process waiting(sockx({"resolve", "--protocol", "-"}), {Stdio::pipe()});
    waiting.write("tcp\n");
    waiting.out_line("tcp");
    waiting.signal(number);
    check_end(waiting, killed_by(number));
    CHECK(waiting.err().empty());
  }
}

TEST_CASE("resolve: a signal ends it though nobody reads what it writes") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  Process process(sockx({"resolve", "--protocol", "-"}), {Stdio::pipe(), Stdio::given(writer.get())});
  process.feed(repeated("tcp\n", 20'000));
  eventually("a full pipe", [&] {
    int unread = 0;
    REQUIRE(ioctl(reader.get(), FIONREAD, &unread) == 0);
    return unread > 60'000;
  });
  process.signal(SIGTERM);
  check_end(process, killed_by(SIGTERM));
}

TEST_CASE("resolve -: the reader of stdout is gone, and it ends though standard input stays open") {
  for (const bool silent : {true, false}) {
    CAPTURE(silent);
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd reader(ends[0]), writer(ends[1]);
    Process process(sockx({"resolve", "--protocol", "-"}), {Stdio::pipe(), Stdio::given(writer.get())});
    writer.reset();
    process.write("tcp\n");
    char byte = 0;
    CHECK(read(reader.get(), &byte, 1) == 1);
    reader.reset();
    if (!silent) process.write("udp\n");
    check_end(process, killed_by(SIGPIPE));
    CHECK(process.err().empty());
  }
}

TEST_CASE("resolve -: the reader of stdout is gone when only the end was to come, and nothing has failed") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reader(ends[0]), writer(ends[1]);
  Process process(sockx({"resolve", "--protocol", "-"}), {Stdio::pipe(), Stdio::given(writer.get())});
  writer.reset();
  process.write("tcp\n");
  char byte = 0;
  CHECK(read(reader.get(), &byte, 1) == 1);
  reader.reset();
  process.close_input();
  check_end(process, exited(0));
}

TEST_CASE("resolve -: what was asked before a line that cannot be read is answered") {
  Process process(sockx({"resolve", "--protocol", "-"}), {Stdio::pipe()});
  process.feed("tcp\nudp\n" + std::string(5'000'000, 'x') + "\nicmp\n");
  check_failure(process, 2, "stdin: a line has more than 4194304 bytes");
  CHECK(process.out() == "tcp\ttcp 6 TCP\nudp\tudp 17 UDP\n");
}

TEST_CASE("resolve --names: ports by name are read by many threads at once") {
  std::string words, answers;
  for (int i = 0; i < 500; ++i) {
    words += "192.0.2.1:http\n192.0.2.1:domain\n";
    answers += "192.0.2.1:http\t192.0.2.1 80\n192.0.2.1:domain\t192.0.2.1 53\n";
  }
  Process process(sockx({"resolve", "--names", "--flags", "numerichost,numericserv", "-"}), {Stdio::pipe()});
  process.feed(words);
  check_end(process, exited(0));
  CHECK(process.out() == answers);
}

TEST_CASE("resolve --parallel: no more look-ups at a time than there are descriptors for") {
  Process process(
      {"sh", "-c", "ulimit -n 64; exec \"$@\"", "sh", sockx_binary(), "resolve", "--parallel", "1024", "-"},
      {Stdio::pipe()});
  process.feed(repeated("localhost\n", 1000));
  check_end(process, exited(0));
  CHECK(process.err().empty());
  CHECK(lines_of(process.out()).size() >= 1000);
}

TEST_CASE("resolve: a broken standard output or input is status 11") {
  Process full(sockx({"resolve", "--protocol", "tcp"}), {Stdio::null(), Stdio::output("/dev/full")});
  check_failure(full, 11, "write stdout: No space left on device");
  Process folder(sockx({"resolve", "-"}), {Stdio::input("/")});
  check_failure(folder, 11, "read stdin: Is a directory");
  Process closed(sockx({"resolve", "-"}), {Stdio::closed()});
  check_end(closed, exited(0));
}

TEST_CASE("resolve --fqdn: this host's is that of hostname -f, also where its address has another name") {
  const Namespace named(
      "mount -t tmpfs none /mnt && name=$(hostname) && "
      "printf '127.0.1.1 other.example.net\n127.0.0.1 localhost\n127.0.1.1 full.example.org %s\n' \"$name\" "
      "> /mnt/hosts && mount --bind /mnt/hosts /etc/hosts && echo hosts: files > /mnt/nsswitch && "
      "mount --bind /mnt/nsswitch /etc/nsswitch.conf");
  if (!named.works()) return;
  const auto theirs = run(named.within({"hostname", "-f"}));
  CHECK(theirs == "full.example.org\n");
  CHECK(run(named.within(sockx({"resolve", "--fqdn"}))) == theirs);
  const Namespace unnamed(
      "mount -t tmpfs none /mnt && echo 127.0.0.1 localhost > /mnt/hosts && mount --bind /mnt/hosts "
      "/etc/hosts "
      "&& echo hosts: files > /mnt/nsswitch && mount --bind /mnt/nsswitch /etc/nsswitch.conf");
  Process unknown(unnamed.within(sockx({"resolve", "--fqdn"})));
  check_failure(unknown, 3, "EAI_NONAME");
}

TEST_CASE("resolve: addresses are told as they are, and a line of hosts(5) without a name is no answer") {
  const Namespace odd(
      "mount -t tmpfs none /mnt && printf '::ffff:192.0.2.9 mapped\\n192.0.2.8\\n' > /mnt/hosts && "
      "mount --bind /mnt/hosts /etc/hosts && echo hosts: files > /mnt/nsswitch && "
      "mount --bind /mnt/nsswitch /etc/nsswitch.conf");
  if (!odd.works()) return;
  CHECK(run(odd.within(sockx({"resolve", "-6", "mapped"}))) == "::ffff:192.0.2.9\n");
  CHECK(run(odd.within(sockx({"resolve", "--fqdn", "192.0.2.8"}))) == "192.0.2.8\n");
  Process nameless(odd.within(sockx({"resolve", "192.0.2.8"})));
  check_failure(nameless, 3, "getnameinfo 192.0.2.8: EAI_NONAME");
}

TEST_CASE("resolve --timeout 0: nothing is answered in no time") {
  Process process(sockx({"resolve", "--timeout", "0", "localhost"}));
  check_failure(process, 5, "resolve localhost: no answer in time");
}

TEST_CASE("resolve --protocol: numbers beyond a byte are Linux's own") {
  std::ifstream lines("/etc/protocols");
  const std::string text{std::istreambuf_iterator<char>(lines), {}};
  if (contains(text, "262")) CHECK(run(sockx({"resolve", "--protocol", "262"})) == "mptcp 262 MPTCP\n");
  Process unknown(sockx({"resolve", "--protocol", "65535"}));
  check_failure(unknown, 3, "getprotobynumber 65535: no such protocol");
}

}  // namespace

}  // namespace test
