// recv-file as a server: who may send, how many at once, how it stops, and sockets that are there already.
#include <signal.h>
#include <sys/stat.h>

#include "../support/activated.hpp"
#include "../support/descriptors.hpp"
#include "../support/events.hpp"
#include "../support/peer.hpp"
#include "transfer/verified/wire.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// A whole transfer, raw: the end comes when the file has its name.
void send_whole(const std::string& port, const std::string& content) {
  auto peer = Peer::connect(port);
  peer.send(content);
  peer.finish();
  CHECK(peer.receive_all().empty());
}

TEST_CASE("recv-file --deny: a denied sender is turned away, and the one that is allowed is taken") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  for (const bool is_verified : {false, true}) {
    CAPTURE(is_verified);
    const auto how = is_verified ? Words{"--verified"} : Words{};
    Process receiver(sockx({"recv-file", "--json", "--deny", "127.0.0.1", "-o", folder / "got"}) + how +
                     Words{"127.0.0.1", "0"});
    const auto port = port_of(receiver);
    auto denied = Peer::connect(port);
    CHECK(json::parse(receiver.out_line("refused")).at("reason") == "denied by 127.0.0.1");
    Process sender(sockx({"send-file", "--source", "127.0.0.2"}) + how + Words{file, "127.0.0.1:" + port});
    check_end(sender, exited(0));
    check_end(receiver, exited(0));
    CHECK(read_file(folder / "got") == "content");
    fs::remove(folder / "got");
  }
}

TEST_CASE("recv-file --allow-file: it is read again at SIGHUP, and SIGUSR1 is still answered") {
  const Folder folder;
  const auto rules = write_file(folder / "rules", "127.0.0.2\n");
  Process receiver(
      sockx({"recv-file", "-k", "--json", "--discard", "--allow-file", rules, "127.0.0.1", "0"}));
  const auto port = port_of(receiver);
  CHECK(Peer::connect(port).ends_by_reset());
  receiver.out_line("refused");
  write_file(rules, "127.0.0.1\n");
  receiver.signal(SIGUSR1);
  receiver.err_line("\"phase\":\"listening\"");
  receiver.signal(SIGHUP);
  receiver.out_line("reloaded");
  send_whole(port, "content");
  CHECK(json::parse(receiver.out_line("received")).at("bytes") == 7);
}

TEST_CASE("recv-file --max-conns: one sender more waits, and with --reject it is turned away") {
  const Folder folder;
  for (const bool rejects : {false, true}) {
    CAPTURE(rejects);
    Process receiver(sockx({"recv-file", "-k", "--json", "--max-conns", "1", "-o", folder / "%n"}) +
                     (rejects ? Words{"--reject"} : Words{}) + Words{"127.0.0.1", "0"});
    const auto port = port_of(receiver);
    auto first = Peer::connect(port);
    first.send("first");
    eventually("the first is served", [&] { return folder.size() == 1; });
    auto second = Peer::connect(port);
    if (rejects) {
      CHECK(json::parse(receiver.out_line("refused")).at("reason") == "there is 1 connection already");
      CHECK(second.ends_by_reset());
    } else {
      second.send("second");
      second.finish();
      first.finish();
      CHECK(first.receive_all().empty());
      CHECK(second.receive_all().empty());
      CHECK(read_file(folder / "2") == "second");
    }
    fs::remove(folder / "2");
    fs::remove(folder / "1");
  }
}

TEST_CASE("recv-file --verified --max-conns: it counts transfers, and not their further connections") {
  const Folder here, there;
  const auto content = noise(20'000'000);
  const auto file = write_file(here / "file", content);
  Process receiver(sockx({"recv-file", "-k", "--verified", "--max-conns", "1", "--reject", "--output-dir",
                          there.path(), "127.0.0.1", "0"}));
  const auto port = port_of(receiver);
  Process sender(sockx({"send-file", "--verified", "--streams", "4", file, "127.0.0.1:" + port}));
  check_end(sender, exited(0));
  CHECK(difference(read_file(there / "file"), content) == "");
  auto slow = Peer::connect(port);
  slow.send(encode(sockx::Hello()));
  const auto welcome = encode(sockx::Welcome());
  CHECK(slow.receive(welcome.size()) == welcome);
  Process late(sockx({"send-file", "--verified", "--name", "late", file, "127.0.0.1:" + port}));
  check_failure(late, 9, "too many transfers are under way here");
}

TEST_CASE("recv-file --drain-timeout: at SIGTERM what is under way is finished, and nobody else is taken") {
  const Folder folder;
  for (const bool ends : {true, false}) {
    CAPTURE(ends);
    Process receiver(sockx({"recv-file", "-k", "--json", "--drain-timeout", ends ? "1m" : "100ms", "-o",
                            folder / "got-%n", "127.0.0.1", "0"}));
    const auto port = port_of(receiver);
    auto sender = Peer::connect(port);
    sender.send("first half, ");
    eventually("the sender is served", [&] { return folder.size() == 1; });
    receiver.signal(SIGTERM);
    CHECK(json::parse(receiver.out_line("draining")).at("connections") == 1);
    CHECK_THROWS_AS(Peer::connect(port), std::system_error);
    if (ends) {
      sender.send("second half");
      sender.finish();
      CHECK(sender.receive_all().empty());
      CHECK(read_file(folder / "got-1") == "first half, second half");
      fs::remove(folder / "got-1");
    } else {
      CHECK(sender.ends_by_reset());
    }
    check_end(receiver, killed_by(SIGTERM));
    CHECK(folder.size() == 0);
  }
}

TEST_CASE("recv-file --drain-timeout: a transfer that waits for its further connections gets them") {
  const Folder there;
  Process receiver(sockx({"recv-file", "-k", "--json", "--verified", "--drain-timeout", "1m", "--output-dir",
                          there.path(), "127.0.0.1", "0"}));
  const auto port = port_of(receiver);
  sockx::Hello hello;
  hello.streams = 2;
  const auto welcome = encode(sockx::Welcome());
  auto first = Peer::connect(port);
  first.send(encode(hello));
  CHECK(first.receive(welcome.size()) == welcome);
  receiver.signal(SIGTERM);
  Process late(sockx({"send-file", "--verified", "--name", "late", "-", "127.0.0.1:" + port}));
  check_failure(late, 9, "the receiver is stopping");
  hello.stream = 1;
  auto second = Peer::connect(port);
  second.send(encode(hello));
  CHECK(second.receive(welcome.size()) == welcome);
  receiver.out_line("draining");
  CHECK_THROWS_AS(Peer::connect(port), std::system_error);
  first.send(encode(sockx::Finish()));
  first.finish();
  check_end(receiver, killed_by(SIGTERM));
}

TEST_CASE("recv-file --verified: when nobody comes, --deadline and --accept-timeout end it with status 5") {
  for (const auto* const limit : {"--deadline", "--accept-timeout"}) {
    Process receiver(sockx({"recv-file", "--verified", limit, "100ms", "127.0.0.1", "0"}));
    check_failure(receiver, 5, "timed out");
  }
}

TEST_CASE("recv-file --reject: at a socket of a service manager, too, whoever is turned away sees a reset") {
  const Folder folder;
  PeerListener listener;
  Process receiver(activated_command("recv-file", {listener.fd()},
                                     {"-k", "--max-conns", "1", "--reject", "-o", folder / "%n"}),
                   {.inherited = {listener.fd()}});
  auto first = Peer::connect(listener.port());
  first.send("first");
  eventually("the first is served", [&] { return folder.size() == 1; });
  CHECK(Peer::connect(listener.port()).ends_by_reset());
  first.finish();
  CHECK(first.receive_all().empty());
}

TEST_CASE("recv-file --reject: when descriptors run out, senders are turned away and do not hang") {
  for (const auto* const most : {"40", "41", "42"}) {  // so that each number of them is left at the end
    CAPTURE(most);
    const Folder folder;
    Process receiver(Words{"sh", "-c", "ulimit -n $0; exec \"$@\"", most} +
                     sockx({"recv-file", "-k", "--json", "--reject", "-o", folder / "%n", "127.0.0.1", "0"}));
    const auto port = port_of(receiver);
    std::vector<Peer> peers;
    for (int i = 0; i < 60; ++i) peers.push_back(Peer::connect(port));
    CHECK(peers.back().ends_by_reset());  // only now has the server seen them all, and none has made room
    peers.pop_back();
    std::size_t turned_away = 1;
    for (auto& peer : peers) {
      peer.finish();
      if (peer.ends_by_reset()) ++turned_away;
    }
    CHECK(turned_away > 10);
    CHECK(turned_away < 60);
    CHECK(folder.size() == 60 - turned_away);
  }
}

TEST_CASE("recv-file --inetd --deny: to turn the only sender away is a failure") {
  auto pair = tcp_pair(0);
  Process receiver(sockx({"recv-file", "--inetd", "--discard", "--deny", "127.0.0.1"}),
                   {Stdio::given(pair.ours.get()), Stdio::given(pair.ours.get()), Stdio::pipe()});
  pair.ours.reset();
  CHECK(Peer(std::move(pair.theirs)).ends_by_reset());
  check_failure(receiver, 1, "the connection was turned away");
}

TEST_CASE("recv-file --systemd: sockets that listen are served, several with --keep-open") {
  const Folder folder;
  PeerListener one, two;
  Process receiver(activated_command("recv-file", {one.fd(), two.fd()}, {"-k", "-o", folder / "%n"}),
                   {.inherited = {one.fd(), two.fd()}});
  send_whole(one.port(), "to the first");
  send_whole(two.port(), "to the second");
  CHECK(read_file(folder / "1") == "to the first");
  CHECK(read_file(folder / "2") == "to the second");
  receiver.signal(SIGTERM);
  check_end(receiver, killed_by(SIGTERM));
  for (const bool is_verified : {false, true}) {
    CAPTURE(is_verified);
    const auto how = is_verified ? Words{"--verified"} : Words{};
    PeerListener listener;
    Process alone(activated_command("recv-file", {listener.fd()}, how + Words{"-o", folder / "alone"}),
                  {.inherited = {listener.fd()}});
    const auto file = write_file(folder / "file", "by send-file");
    Process sender(sockx({"send-file"}) + how + Words{file, "127.0.0.1:" + listener.port()});
    check_end(sender, exited(0));
    check_end(alone, exited(0));
    CHECK(read_file(folder / "alone") == "by send-file");
    fs::remove(folder / "alone");
  }
}

TEST_CASE("recv-file --inetd: standard input is the connection, and the file is named for its peer") {
  const Folder folder;
  auto pair = tcp_pair(0);
  const int socket = pair.ours.get();
  Process receiver(sockx({"recv-file", "-v", "--inetd", "-o", folder / "from-%h"}),
                   {Stdio::given(socket), Stdio::given(socket), Stdio::given(socket)});
  pair.ours.reset();
  Peer peer(std::move(pair.theirs));
  peer.send("content");
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(receiver, exited(0));
  CHECK(read_file(folder / "from-127.0.0.1") == "content");
}

TEST_CASE("recv-file --inetd --verified: files come over the one connection that there is") {
  const Folder here, there;
  const auto file = write_file(here / "file", "content");
  PeerListener listener;
  for (const bool has_more : {false, true}) {
    CAPTURE(has_more);
    Process sender(sockx({"send-file", "--verified", "--streams", has_more ? "2" : "1", file,
                          "127.0.0.1:" + listener.port()}));
    auto accepted = listener.accept();
    Process receiver(sockx({"recv-file", "--inetd", "--verified", "--output-dir", there.path()}),
                     {Stdio::given(accepted.fd()), Stdio::given(accepted.fd()), Stdio::pipe()});
    accepted.close();
    check_end(receiver, exited(has_more ? 9 : 0));
    if (has_more) CHECK(contains(receiver.err(), "only one is possible here"));
    check_end(sender, exited(has_more ? 9 : 0));
  }
  CHECK(read_file(there / "file") == "content");
}

TEST_CASE("recv-file --mode, --reuse-port: the socket is made as listen makes it") {
  const Folder folder;
  Process receiver(sockx({"recv-file", "-v", "--discard", "--mode", "600", "unix:" + (folder / "socket")}));
  receiver.err_line("listening on");
  struct stat status {};
  REQUIRE(stat((folder / "socket").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  Process first(sockx({"recv-file", "--discard", "--reuse-port", "127.0.0.1", "0"}));
  const auto port = port_of(first);
  Process second(sockx({"recv-file", "-v", "--discard", "--reuse-port", "127.0.0.1", port}));
  second.err_line("listening on");
}

TEST_CASE("recv-file: options of a server that do not fit are usage errors that say what to do") {
  for (const auto& [words, message] : std::vector<std::pair<Words, std::string>>{
           {{"--discard", "--max-conns", "2", "0"}, "--max-conns is for --keep-open"},
           {{"--discard", "--reject", "0"}, "--reject is for --keep-open"},
           {{"--discard", "--drain-timeout", "1s", "0"}, "--drain-timeout is for --keep-open"},
           {{"--discard", "--connect", "--allow", "::1", "127.0.0.1:9"},
            "--connect cannot be combined with --allow"},
           {{"--discard", "--connect", "--systemd", "127.0.0.1:9"},
            "--connect cannot be combined with --systemd"},
           {{"--discard", "--connect"}, "say whom to connect to"},
           {{"--discard"}, "say where to listen"},
           {{"--discard", "--inetd", "5678"}, "'5678': with --inetd the socket is there already"},
           {{"--inetd"}, "--inetd: standard output is the connection: say -o FILE"},
           {{"--inetd", "-o", "x-%n"}, "-o 'x-%n': %n is for --keep-open"},
           {{"--inetd", "-o", "x-%q"}, "-o 'x-%q': a pattern knows %n number"},
           {{"-o", "one", "-o", "two", "0"}, "--output: it is given more than once"},
           {{"0", "-o"}, "--output: its value is missing: --output FILE"},
           {{"--discard", "--systemd"}, "LISTEN_PID is not set"}}) {
    CAPTURE(message);
    Process receiver(sockx({"recv-file"}) + words);
    check_failure(receiver, 2, message);
  }
}

}  // namespace

}  // namespace test
