// The ways to a socket together, because each needs the other's side: dial(), listen_on(), accept(), adopt().
#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "../../support/descriptors.hpp"
#include "../../support/files.hpp"
#include "../../support/ports.hpp"
#include "../../support/records.hpp"
#include "../../support/said_of.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "flow/task_group.hpp"
#include "net/address/resolve.hpp"
#include "net/stream/adopt.hpp"
#include "net/stream/dial.hpp"
#include "net/stream/listen.hpp"
#include "os/observer.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

Endpoint to(const std::string& word) { return Endpoint::parse({word}, Endpoint::Role::connecting); }
Endpoint at(const std::string& word) { return Endpoint::parse({word}, Endpoint::Role::listening); }
Endpoint to(const Address& address) { return {address}; }

Listener listen(EventLoop& loop, const std::string& word, ListenerOptions options = {}) {
  return loop.run(listen_on(at(word), std::move(options)));
}

Connection dial_now(EventLoop& loop, const Endpoint& endpoint, DialOptions options = {}) {
  return loop.run(dial(endpoint, std::move(options)));
}

bool is_nonblocking_and_close_on_exec(int fd) {
  return (status_flags(fd) & O_NONBLOCK) != 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

}  // namespace

TEST_CASE("dial: it connects to a listener of every family") {
  const Folder folder;
  const auto before = open_descriptors();
  for (const auto& word : {std::string("127.0.0.1:0"), std::string("[::1]:0"), "unix:" + (folder / "socket"),
                           "unix:@sockx-test-" + std::to_string(getpid())}) {
    CAPTURE(word);
    EventLoop loop;
    auto listener = listen(loop, word);
    auto dialed = dial_now(loop, to(listener.address()));
    auto accepted = loop.run(accept(listener, after(60s)));
    CHECK(dialed.peer.to_string() == listener.address().to_string());
    CHECK(accepted.peer.to_string() == dialed.local().to_string());
    CHECK(is_nonblocking_and_close_on_exec(dialed.fd()));
    CHECK(is_nonblocking_and_close_on_exec(accepted.fd()));
    put(dialed.fd(), "abc");
    CHECK(read_available(accepted.fd()) == "abc");
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("dial: a refusal is an error of the peer that names the address") {
  const auto port = bound_port();
  const auto word = port.local().to_string();
  EventLoop loop;
  const auto error = thrown_by<Error>([&] { dial_now(loop, to(word)); });
  REQUIRE(error);
  CHECK(error->number() == ECONNREFUSED);
  CHECK(error->origin() == Origin::peer);
  CHECK(std::string(error->what()) == "connect " + word + ": Connection refused");
}

TEST_CASE("dial: a unix socket that does not exist and one that nobody listens on") {
  const Folder folder;
  EventLoop loop;
  const auto path = folder / "socket";
  const auto none = thrown_by<Error>([&] { dial_now(loop, to("unix:" + path)); });
  REQUIRE(none);
  CHECK(none->number() == ENOENT);
  CHECK(none->origin() == Origin::peer);
  auto bound = open_socket(AF_UNIX, {});
  bound.bind(Address::unix_name(path));
  const auto stale = thrown_by<Error>([&] { dial_now(loop, to("unix:" + path)); });
  REQUIRE(stale);
  CHECK(stale->number() == ECONNREFUSED);
}

TEST_CASE("dial: a full backlog is waited for until the deadline") {
  const Folder folder;
  const auto before = open_descriptors();
  for (const auto& word : {std::string("127.0.0.1:0"), "unix:" + (folder / "socket")}) {
    CAPTURE(word);
    EventLoop loop;
    ListenerOptions options;
    options.backlog = 0;
    const auto listener = listen(loop, word, options);
    const auto first = dial_now(loop, to(listener.address()));  // a backlog of 0 holds one
    const auto deadline = after(50ms);
    DialOptions limited;
    limited.deadline = deadline;
    CHECK_THROWS_WITH_AS(dial_now(loop, to(listener.address()), limited),
                         ("connect " + listener.address().to_string() + ": timed out").c_str(), TimedOut);
    CHECK(Clock::now() >= deadline);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("dial: a unix listener whose backlog is emptied meanwhile is reached") {
  const Folder folder;
  EventLoop loop;
  ListenerOptions options;
  options.backlog = 0;
  auto listener = listen(loop, "unix:" + (folder / "socket"), options);
  const auto first = dial_now(loop, to(listener.address()));
  const auto dial_second = [](Address address) -> Task<> {
    DialOptions limited;
    limited.deadline = after(60s);
    co_await dial(to(address), limited);
  };
  const auto accept_both = [](Listener& from) -> Task<> {
    auto& its_loop = co_await this_loop();
    co_await its_loop.sleep_until(after(5ms));
    co_await accept(from, after(60s));
    co_await accept(from, after(60s));
  };
  loop.run(all(dial_second(listener.address()), accept_both(listener)));
}

TEST_CASE("dial: a socket that would be connected to itself is refused and leaves nothing in the way") {
  const auto before = open_descriptors();
  auto port = bound_port();
  const auto word = port.local().to_string();
  port = {};
  EventLoop loop;
  DialOptions options;
  options.stream.source = Source::parse(word);  // two SYNs that cross: RFC 9293
  for (int i = 0; i < 3; ++i) {
    const auto error = thrown_by<Error>([&] { dial_now(loop, to(word), options); });
    REQUIRE(error);
    CHECK(error->number() == ECONNREFUSED);
    CHECK(std::string(error->what()) == "connect " + word + ": Connection refused");
  }
  auto listener = listen(loop, word);  // nothing is in TIME_WAIT
  CHECK(open_descriptors() > before);
}

TEST_CASE("dial: the peer sees the source, an address, a port or both, of every family") {
  const Folder folder;
  const auto free = std::to_string(bound_port().local().port());
  struct Row {
    std::string listening, source, seen;
  };
  for (const auto& row : {
           Row{"127.0.0.1:0", "127.0.0.9", "127.0.0.9:"},
           Row{"127.0.0.1:0", ":" + free, "127.0.0.1:" + free},
           Row{"127.0.0.1:0", "127.0.0.7:" + free, "127.0.0.7:" + free},
           Row{"[::1]:0", "::1", "[::1]:"},
           Row{"[::1]:0", "[::1]:" + free, "[::1]:" + free},
           Row{"[::1]:0", ":" + free, "[::1]:" + free},
           Row{"unix:" + (folder / "socket"), "unix:@sockx-test-source", "unix:@sockx-test-source"},
           Row{"unix:" + (folder / "socket"), "unix:" + (folder / "source"), "unix:" + (folder / "source")},
       }) {
    CAPTURE(row.source);
    EventLoop loop;
    auto listener = listen(loop, row.listening);
    DialOptions options;
    options.stream.source = Source::parse(row.source);
    const auto dialed = dial_now(loop, to(listener.address()), options);
    const auto accepted = loop.run(accept(listener, after(60s)));
    CHECK(accepted.peer.to_string().starts_with(row.seen));
  }
  CHECK(folder.size() == 0);  // a source's file goes, too
}

TEST_CASE("dial: a source of another family leaves addresses out, and none left is told with both") {
  EventLoop loop;
  const auto listener = listen(loop, "127.0.0.1:0");
  const auto port = std::to_string(listener.address().port());
  DialOptions options;
  options.stream.source = Source::parse("127.0.0.1");
  CHECK(dial_now(loop, to("localhost:" + port), options).peer.family() == AF_INET);
  for (const auto& [source, endpoint] : {std::pair{"::1", "127.0.0.1:" + port},
                                         {"127.0.0.1", "[::1]:" + port},
                                         {"unix:@x", "127.0.0.1:" + port},
                                         {":5", "unix:/run/x"}}) {
    options.stream.source = Source::parse(source);
    const auto error = thrown_by<BadInput>([&] { dial_now(loop, to(endpoint), options); });
    REQUIRE(error);
    CHECK(std::string(error->what()).find('\'' + std::string(source) + '\'') != std::string::npos);
    CHECK(std::string(error->what()).find('\'' + endpoint + '\'') != std::string::npos);
  }
}

TEST_CASE("dial: a source that cannot be bound is an error of the local address") {
  EventLoop loop;
  const auto listener = listen(loop, "127.0.0.1:0");
  DialOptions options;
  options.stream.source = Source::parse("192.0.2.1");
  const auto error = thrown_by<Error>([&] { dial_now(loop, to(listener.address()), options); });
  REQUIRE(error);
  CHECK(error->number() == EADDRNOTAVAIL);
  CHECK(error->origin() == Origin::local_address);
}

TEST_CASE("listen_on: a source is the address to listen on, where no other is said") {
  EventLoop loop;
  ListenerOptions options;
  options.stream.source = Source::parse("127.0.0.9");
  CHECK(listen(loop, "0", options).address().host() == "127.0.0.9");
  options.stream.source = Source::parse("::1");
  CHECK(listen(loop, "0", options).address().host() == "::1");
  CHECK_THROWS_WITH_AS(listen(loop, "127.0.0.1:0", options), doctest::Contains("'::1': where to listen"),
                       BadInput);
  CHECK_THROWS_AS(listen(loop, "unix:@x", options), BadInput);
  options.stream.family = AF_INET;
  CHECK_THROWS_WITH_AS(listen(loop, "0", options), doctest::Contains("'::1' is not of the family"), BadInput);
  options.stream.source = Source::parse("[::1]:80");
  CHECK(test::said_of([&] { listen(loop, "0", options); }).ends_with("; say --source ADDRESS 0"));
}

TEST_CASE("dial and listen_on: what a unix socket or an inherited one has no use for") {
  EventLoop loop;
  for (const auto& endpoint : {"unix:@sockx-nowhere", "vsock:1:1"}) {
    DialOptions dialing;
    dialing.stream.interface = "lo";
    CHECK(test::said_of([&] { dial_now(loop, to(endpoint), dialing); }).starts_with("--interface: '"));
    ListenerOptions listening;
    listening.stream.mptcp = true;
    CHECK(test::said_of([&] { listen(loop, endpoint, listening); }).starts_with("--mptcp: '"));
  }
  DialOptions with_source;
  with_source.stream.source = Source::parse("127.0.0.1");
  CHECK(test::said_of([&] { dial_now(loop, to("fd:12345"), with_source); }) ==
        "--source: 'fd:12345' is connected already");
}

TEST_CASE("dial and listen_on: an interface that is not there is told with those that are") {
  EventLoop loop;
  DialOptions dialing;
  dialing.stream.interface = "nosuch0";
  CHECK_THROWS_WITH_AS(dial_now(loop, to("127.0.0.1:9"), dialing), doctest::Contains("there are lo"),
                       BadInput);
  ListenerOptions listening;
  listening.stream.interface = "nosuch0";
  CHECK_THROWS_WITH_AS(listen(loop, "0", listening),
                       doctest::Contains("'nosuch0': no such network interface"), BadInput);
}

TEST_CASE("dial: an option of the other family makes an address unusable, and is told when all are") {
  EventLoop loop;
  const auto listener = listen(loop, "0");
  const auto port = std::to_string(listener.address().port());
  std::vector<std::string> told;
  DialOptions options;
  options.stream.settings = {OptionSetting::parse("tclass=32")};
  options.tell = [&told](const DialEvent& event) {
    if (event.kind == DialEvent::Kind::failed) told.push_back(event.reason);
  };
  CHECK_THROWS_WITH_AS(dial_now(loop, to("127.0.0.1:" + port), options),
                       "'tclass=32': an IPv4 socket has no IPV6_TCLASS", BadInput);
  CHECK(told == std::vector<std::string>{"'tclass=32': an IPv4 socket has no IPV6_TCLASS"});
  CHECK(dial_now(loop, to("[::1]:" + port), options).peer.family() == AF_INET6);
}

TEST_CASE("dial: it tells of each attempt") {
  std::vector<std::string> told;
  DialOptions options;
  options.tell = [&told](const DialEvent& event) {
    const char* const kind = event.kind == DialEvent::Kind::trying   ? "trying "
                             : event.kind == DialEvent::Kind::failed ? "failed "
                                                                     : "connected ";
    told.push_back(kind + event.address.host() + ' ' + std::to_string(event.error));
  };
  EventLoop loop;
  const auto listener = listen(loop, "127.0.0.1:0");
  dial_now(loop, to(listener.address()), options);
  const auto port = bound_port();
  CHECK_THROWS_AS(dial_now(loop, to(port.local()), options), Error);
  CHECK(told == std::vector<std::string>{"trying 127.0.0.1 0", "connected 127.0.0.1 0", "trying 127.0.0.1 0",
                                         "failed 127.0.0.1 111"});
}

TEST_CASE("dial: an inherited connection is used as it is and a listening socket is refused") {
  EventLoop loop;
  auto pair = tcp_pair(0);
  const int number = pair.ours.release();
  const auto dialed = dial_now(loop, to("fd:" + std::to_string(number)));
  CHECK(dialed.fd() == number);
  CHECK((status_flags(number) & O_NONBLOCK) == 0);
  CHECK(dialed.peer.host() == "127.0.0.1");

  auto listening = bound_port();
  listening.listen(1);
  const int other = std::move(listening).release().release();
  CHECK(test::said_of([&] {
          dial_now(loop, to("fd:" + std::to_string(other)));
        }).ends_with("; say sockx listen"));
}

TEST_CASE("adopt: only a stream socket that listens or is connected is taken and its status flags stay") {
  const auto pipe = make_pipe_ends();
  const UniqueFd datagrams(socket(AF_INET, SOCK_DGRAM, 0)), unconnected(socket(AF_INET, SOCK_STREAM, 0));
  struct Row {
    int fd;
    std::string reason;
  };
  for (const auto& [fd, reason] :
       {Row{0, "standard streams"}, Row{pipe.read.get(), "not an open socket"},
        Row{12345, "not an open socket"}, Row{datagrams.get(), "not a stream socket"},
        Row{unconnected.get(), "neither listening nor connected"}}) {
    CAPTURE(reason);
    const auto quoted = "'fd:" + std::to_string(fd) + "'";
    CHECK_THROWS_WITH_AS(adopt(fd), doctest::Contains(quoted.c_str()), BadInput);
    CHECK_THROWS_WITH_AS(adopt(fd), doctest::Contains(reason.c_str()), BadInput);
  }
  for (const int flags : {0, static_cast<int>(SOCK_NONBLOCK)}) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | flags, 0, ends) == 0);
    const UniqueFd other(ends[1]);
    const int before = status_flags(ends[0]);
    const auto socket = adopt(ends[0]);
    CHECK(status_flags(ends[0]) == before);
    CHECK((fcntl(ends[0], F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("adopt: a socket of another type than the one asked for is refused and stays open") {
  auto stream = unix_pair(), records = record_pair();
  const UniqueFd datagrams(socket(AF_INET, SOCK_DGRAM, 0)), unconnected(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  struct Row {
    int fd, type;
    std::string reason;
  };
  for (const auto& [fd, type, reason] :
       {Row{stream.ours.get(), SOCK_SEQPACKET, "that is not a seqpacket socket"},
        Row{records.ours.get(), SOCK_STREAM, "that socket keeps records apart; say --type seqpacket"},
        Row{datagrams.get(), SOCK_SEQPACKET, "that is not a seqpacket socket"},
        Row{datagrams.get(), SOCK_STREAM, "that is not a stream socket"},
        Row{unconnected.get(), SOCK_SEQPACKET, "that is neither listening nor connected"}}) {
    CAPTURE(reason);
    const auto said = "'fd:" + std::to_string(fd) + "': " + reason;
    CHECK(test::said_of([&] { adopt(fd, type); }) == said);
    CHECK(is_open(fd));
  }
  CHECK(adopt(stream.ours.release()).type() == SOCK_STREAM);
  CHECK(adopt(records.ours.release(), SOCK_SEQPACKET).type() == SOCK_SEQPACKET);
}

TEST_CASE("listen_on: without a host both families reach one socket") {
  EventLoop loop;
  auto listener = listen(loop, "0");
  const auto port = std::to_string(listener.address().port());
  CHECK(listener.address().port() != 0);
  for (const auto& host : {"127.0.0.1", "[::1]"}) {
    CAPTURE(host);
    const auto dialed = dial_now(loop, to(host + (':' + port)));
    const auto accepted = loop.run(accept(listener, after(60s)));
    CHECK(accepted.peer.to_string() == dialed.local().to_string());  // mapped IPv4 is shown as IPv4
  }
}

TEST_CASE("listen_on: with a family there is no other") {
  EventLoop loop;
  ListenerOptions only_6, only_4;
  only_6.stream.family = AF_INET6;
  only_4.stream.family = AF_INET;
  const auto six = listen(loop, "0", only_6), four = listen(loop, "0", only_4);
  CHECK(six.address().host() == "::");
  CHECK(four.address().host() == "0.0.0.0");
  const auto error =
      thrown_by<Error>([&] { dial_now(loop, to("127.0.0.1:" + std::to_string(six.address().port()))); });
  REQUIRE(error);
  CHECK(error->number() == ECONNREFUSED);
}

TEST_CASE("listen_on: a port in use is an error of the local address") {
  EventLoop loop;
  const auto first = listen(loop, "127.0.0.1:0");
  const auto word = first.address().to_string();
  const auto error = thrown_by<Error>([&] { listen(loop, word); });
  REQUIRE(error);
  CHECK(error->number() == EADDRINUSE);
  CHECK(error->origin() == Origin::local_address);
  CHECK(std::string(error->what()).find(word) != std::string::npos);
}

TEST_CASE("listen_on: a unix socket's file is there while it listens and goes with it") {
  const Folder folder;
  EventLoop loop;
  const auto path = folder / "socket";
  {
    const auto listener = listen(loop, "unix:" + path);
    CHECK(std::filesystem::is_socket(path));
  }
  CHECK(folder.size() == 0);
}

TEST_CASE("listen_on: a stale file is replaced and a live one refused without harm") {
  const Folder folder;
  EventLoop loop;
  const auto path = folder / "socket";
  {
    auto stale = open_socket(AF_UNIX, {});
    stale.bind(Address::unix_name(path));
    stale.listen(1);
  }
  REQUIRE(std::filesystem::is_socket(path));
  auto live = listen(loop, "unix:" + path);
  const auto error = thrown_by<Error>([&] { listen(loop, "unix:" + path); });
  REQUIRE(error);
  CHECK(error->number() == EADDRINUSE);
  CHECK(error->origin() == Origin::local_address);
  const auto dialed = dial_now(loop, to("unix:" + path));
  loop.run(accept(live, after(60s)));  // the probe was no connection
  CHECK_THROWS_AS(loop.run(accept(live, after(5ms))), TimedOut);
}

TEST_CASE("listen_on: a regular file in the way is not touched") {
  const Folder folder;
  EventLoop loop;
  const auto path = write_file(folder / "file", "precious");
  const auto error = thrown_by<Error>([&] { listen(loop, "unix:" + path); });
  REQUIRE(error);
  CHECK(error->number() == EEXIST);
  CHECK(read_file(path) == "precious");
}

TEST_CASE("listen_on: a file that somebody put in the socket's place stays") {
  const Folder folder;
  EventLoop loop;
  const auto path = folder / "socket";
  {
    const auto listener = listen(loop, "unix:" + path);
    std::filesystem::rename(path, folder / "moved");
    write_file(path, "another's");
  }
  CHECK(read_file(path) == "another's");
}

TEST_CASE("listen_on: an inherited listening socket is used and another kind refused") {
  EventLoop loop;
  auto made = bound_port();
  made.listen(1);
  fcntl(made.fd(), F_SETFL, 0);  // in blocking mode, and to be left so
  const int number = std::move(made).release().release();
  auto listener = listen(loop, "fd:" + std::to_string(number));
  CHECK_THROWS_AS(loop.run(accept(listener, after(5ms))), TimedOut);
  CHECK((status_flags(number) & O_NONBLOCK) == 0);
  const auto dialed = dial_now(loop, to(listener.address()));
  loop.run(accept(listener, after(60s)));

  auto pair = tcp_pair();
  const int connected = pair.ours.release();
  CHECK(test::said_of([&] {
          listen(loop, "fd:" + std::to_string(connected));
        }).ends_with("; say sockx connect"));
}

TEST_CASE("listen_on: an inherited listening socket gets the options asked for, and its connections too") {
  EventLoop loop;
  auto made = bound_port();
  made.listen(1);
  ListenerOptions options;
  options.stream.settings = {OptionSetting::parse("SO_KEEPALIVE=on"), OptionSetting::parse("IP_TTL=17")};
  const auto inherited = to("fd:" + std::to_string(std::move(made).release().release()));
  auto listener = loop.run(listen_on(inherited, options));
  const auto dialed = dial_now(loop, to(listener.address()));
  const auto accepted = loop.run(accept(listener, after(60s)));
  const auto value_of = [&](int level, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    CHECK(getsockopt(accepted.fd(), level, option, &value, &size) == 0);
    return value;
  };
  CHECK(value_of(SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(value_of(IPPROTO_IP, IP_TTL) == 17);
}

TEST_CASE("accept: the deadline ends the wait") {
  EventLoop loop;
  auto listener = listen(loop, "127.0.0.1:0");
  CHECK_THROWS_WITH_AS(loop.run(accept(listener, after(5ms))),
                       ("accept " + listener.address().to_string() + ": timed out").c_str(), TimedOut);
}

// Whoever writes a line may change errno, which decides what accept(2) came to.
TEST_CASE("accept: it waits for a connection also when its calls are observed") {
  EventLoop loop;
  auto listener = listen(loop, "127.0.0.1:0");
  const CallObserver changes_errno = [](const ObservedCall&) { errno = 0; };
  set_call_observer(&changes_errno);
  CHECK_THROWS_AS(loop.run(accept(listener, after(5ms))), TimedOut);
  set_call_observer(nullptr);
}

TEST_CASE("resolve: addresses need no look-up and names of this host are in its table") {
  EventLoop loop;
  const auto hosts = [&loop](const std::string& host, ResolveOptions options) {
    std::vector<std::string> shown;
    for (const auto& address : loop.run(resolve({host, 80}, options, after(60s))))
      shown.push_back(address.to_string());
    return shown;
  };
  using Shown = std::vector<std::string>;
  CHECK(hosts("127.0.0.1", {}) == Shown{"127.0.0.1:80"});
  CHECK(hosts("::1", {AF_UNSPEC, true}) == Shown{"[::1]:80"});
  CHECK(hosts("fe80::1%lo", {}) == Shown{"[fe80::1%lo]:80"});
  CHECK(hosts("", {}) == Shown{"[::]:80", "0.0.0.0:80"});
  CHECK(hosts("", {AF_INET}) == Shown{"0.0.0.0:80"});
  CHECK(hosts("", {AF_INET6}) == Shown{"[::]:80"});
  CHECK(hosts("localhost", {AF_INET}) == Shown{"127.0.0.1:80"});
}

TEST_CASE("resolve: the refusals bear getaddrinfo's names") {
  struct Row {
    std::string host;
    ResolveOptions options;
    std::string name, message;
  };
  EventLoop loop;
  const std::string too_long(64, 'x');  // no label of DNS is so long: nobody has to be asked
  for (const auto& [host, options, name, message] : {
           Row{"localhost",
               {AF_UNSPEC, true},
               "EAI_NONAME",
               "getaddrinfo localhost: EAI_NONAME: Name or service not known"},
           Row{too_long,
               {},
               "EAI_NONAME",
               "getaddrinfo " + too_long + ": EAI_NONAME: Name or service not known"},
           Row{"::1", {AF_INET}, "EAI_ADDRFAMILY", "getaddrinfo ::1: EAI_ADDRFAMILY: "},
       }) {
    CAPTURE(host);
    const auto error = thrown_by<ResolveError>([&, &host = host, &options = options] {
      loop.run(resolve({host, 80}, options, after(60s)));
    });
    REQUIRE(error);
    CHECK(error->name() == name);
    CHECK(std::string(error->what()).find(message) == 0);
  }
}

// getaddrinfo(3) returns EAI_ numbers, which are negative, and leaves errno alone.
TEST_CASE("resolve: an observed refusal is not explained by an errno") {
  EventLoop loop;
  std::string result;
  const CallObserver observer = [&result](const ObservedCall& call) {
    if (call.name == "getaddrinfo") result = call.result;
  };
  set_call_observer(&observer);
  errno = ECONNREFUSED;
  CHECK_THROWS_AS(loop.run(resolve({"localhost", 80}, {AF_UNSPEC, true}, never)), ResolveError);
  set_call_observer(nullptr);
  CHECK(result.find("EAI_NONAME") != std::string::npos);
}
