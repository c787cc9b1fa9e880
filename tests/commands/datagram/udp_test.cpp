// sockx udp: a client and a peer, a listener and many.
#include <pty.h>
#include <signal.h>
#include <unistd.h>

#include <cmath>

#include "../../support/datagram_peer.hpp"
#include "../../support/descriptors.hpp"
#include "../../support/events.hpp"
#include "../../support/namespace.hpp"

namespace test {

namespace {

std::vector<std::string> udp(const DatagramPeer& peer, const std::vector<std::string>& more = {}) {
  return sockx({"udp", peer.host(), peer.port()}) + more;
}

/// What a peer gets of this input, cut in that way; it comes through a pipe byte by byte if asked.
std::vector<std::string> cut(const std::string& input, const std::string& framing, std::size_t count,
                             bool byte_by_byte, bool from_file = false) {
  DatagramPeer peer;
  const Folder folder;
  write_file(folder / "input", input);
  const auto in = from_file ? Stdio::input(folder / "input") : Stdio::pipe();
  Process sending(udp(peer, {"--framing", framing, "--reply-timeout", "0"}), {in});
  if (byte_by_byte)
    for (const char byte : input) sending.write({&byte, 1});
  else if (!from_file)
    sending.write(input);
  sending.close_input();
  check_end(sending, exited(0));
  auto datagrams = peer.receive(count);
  CHECK_FALSE(peer.has_more());
  return datagrams;
}

}  // namespace

TEST_SUITE("udp") {
  TEST_CASE("one line, one reply: the client ends at once with 0") {
    for (const int family : {AF_INET, AF_INET6}) {
      DatagramPeer peer(family);
      Process client(udp(peer, {"--expect", "1", "--reply-timeout", "20s"}), {Stdio::pipe()});
      client.feed("x\n");
      const auto asked = peer.receive();
      CHECK(asked.bytes == "x\n");
      peer.send("answer", asked.port);
      check_end(client, exited(0));
      CHECK(client.out() == "answer");
    }
  }

  TEST_CASE("nobody answers: 5 with --expect, 0 without") {
    DatagramPeer peer;
    Process expecting(udp(peer, {"--expect", "2", "--reply-timeout", "100ms"}), {Stdio::pipe()});
    expecting.feed("x\n");
    check_failure(expecting, 5, "no reply within 0.1 s");
    Process half(udp(peer, {"--expect", "2", "--reply-timeout", "1s"}), {Stdio::pipe()});
    peer.receive();
    half.feed("x\n");
    peer.send("one", peer.receive().port);
    check_failure(half, 5, "1 of 2 replies came, and no other within 1 s");
    Process content(udp(peer, {"--reply-timeout", "100ms"}), {Stdio::pipe()});
    content.feed("x\n");
    check_end(content, exited(0));
  }

  TEST_CASE("a closed port is 4, and the line says who refused") {
    for (const int family : {AF_INET, AF_INET6}) {
      auto peer = std::make_unique<DatagramPeer>(family);
      const auto words = udp(*peer, {"--reply-timeout", "20s"});
      peer.reset();
      Process client(words, {Stdio::pipe()});
      client.feed("x\n");
      check_failure(
          client, 4,
          family == AF_INET ? "ICMP type 3, code 3, from 127.0.0.1" : "ICMP type 1, code 4, from ::1");
    }
  }

  TEST_CASE("the same input in whatever pieces gives the same datagrams, in every framing") {
    const std::string lines = "a\n\nbc\nd";
    const std::string counted{"\0\0\0\2ab\0\0\0\0\0\0\0\1c", 15};
    for (const bool byte_by_byte : {false, true}) {
      for (const bool from_file : {false, true}) {
        if (byte_by_byte && from_file) continue;
        CHECK(cut(lines, "line", 4, byte_by_byte, from_file) ==
              std::vector<std::string>{"a\n", "\n", "bc\n", "d"});
        CHECK(cut(lines, "size=3", 3, byte_by_byte, from_file) ==
              std::vector<std::string>{"a\n\n", "bc\n", "d"});
        CHECK(cut(counted, "len32", 3, byte_by_byte, from_file) == std::vector<std::string>{"ab", "", "c"});
        CHECK(cut(lines, "all", 1, byte_by_byte, from_file) == std::vector<std::string>{lines});
      }
    }
  }

  TEST_CASE("a file goes in pieces of 1400 bytes, whose last is shorter") {
    DatagramPeer peer;
    const Folder folder;
    const auto content = noise(100 * 1400 + 17);
    write_file(folder / "input", content);
    Process sending(udp(peer, {"--reply-timeout", "0"}), {Stdio::input(folder / "input")});
    check_end(sending, exited(0));
    const auto datagrams = peer.receive(101);
    std::string all;
    for (const auto& datagram : datagrams) all += datagram;
    CHECK(all == content);
    CHECK(datagrams[99].size() == 1400);
    CHECK(datagrams[100].size() == 17);
  }

  TEST_CASE("sizes from 0 to the largest arrive whole, one more is refused, and the limit named") {
    for (const int family : {AF_INET, AF_INET6}) {
      const std::size_t most = family == AF_INET ? 65507 : 65527;
      for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1400}, std::size_t{8192},
                                     std::size_t{16385}, std::size_t{65507}, most}) {
        DatagramPeer peer(family);
        Process sending(udp(peer, {"--framing", "all", "--reply-timeout", "0"}), {Stdio::pipe()});
        const auto content = noise(size);
        sending.feed(content);
        CHECK(peer.receive().bytes == content);
        check_end(sending, exited(0));
      }
      DatagramPeer peer(family);
      Process sending(udp(peer, {"--framing", "all"}), {Stdio::pipe()});
      sending.feed(noise(most + 1));
      check_failure(sending, 11, std::to_string(most));
      CHECK_FALSE(peer.has_more());
    }
  }

  TEST_CASE("a listener receives every size whole, over both families on one socket") {
    UdpListener listener({"--datagrams", "8"}, {Stdio::null()}, {"*:0"});
    DatagramPeer four(AF_INET), six(AF_INET6);
    std::string expected;
    for (auto* const peer : {&four, &six})
      for (const std::size_t size : {0, 1, 16385, 65507}) {
        const auto content = noise(size);
        expected += content;
        peer->send(content, listener.port());
        eventually("it has arrived", [&] { return listener.process().out_size() == expected.size(); });
      }
    check_end(listener.process(), exited(0));
    CHECK(listener.process().out() == expected);
  }

  TEST_CASE("--reply last, all and one address, with five peers") {
    std::vector<DatagramPeer> peers(5);
    const auto hear_all = [&](UdpListener& listener) {
      for (auto& peer : peers) {
        peer.send("hello " + peer.port() + "\n", listener.port());
        listener.process().out_line("hello " + peer.port());
      }
    };
    {
      UdpListener listener({"--reply", "last"});
      hear_all(listener);
      listener.process().write("answer\n");
      CHECK(peers.back().receive().bytes == "answer\n");
      peers.front().send("again\n", listener.port());
      listener.process().out_line("again");
      listener.process().write("to the first\n");
      CHECK(peers.front().receive().bytes == "to the first\n");
      for (auto& peer : peers) CHECK_FALSE(peer.has_more());
    }
    {
      UdpListener listener({"--reply", "all"});
      hear_all(listener);
      listener.process().write("one\ntwo\n");
      for (auto& peer : peers) CHECK(peer.receive(2) == std::vector<std::string>{"one\n", "two\n"});
    }
    {
      UdpListener listener({"--reply", "127.0.0.1:" + peers[2].port()});
      listener.process().write("unasked\n");
      CHECK(peers[2].receive().bytes == "unasked\n");
    }
    UdpListener listener({"--reply", "none"});
    hear_all(listener);
    listener.process().write("to nobody\n");
    peers.front().send("is that heard\n", listener.port());
    listener.process().out_line("is that heard");
    listener.process().signal(SIGTERM);
    check_end(listener.process(), killed_by(SIGTERM));
    for (auto& peer : peers) CHECK_FALSE(peer.has_more());
  }

  TEST_CASE("a peer that has vanished ends nothing") {
    UdpListener listener({"--reply", "all", "--json"});
    DatagramPeer stays;
    {
      DatagramPeer leaves;
      leaves.send("leaves\n", listener.port());
      listener.process().out_line("leaves");
    }
    stays.send("stays\n", listener.port());
    listener.process().out_line("stays");
    listener.process().write("first\n");
    CHECK(stays.receive().bytes == "first\n");
    listener.process().err_line("\"datagram-error\"");
    listener.process().write("second\n");
    CHECK(stays.receive().bytes == "second\n");
    stays.send("still here\n", listener.port());
    listener.process().out_line("still here");
    CHECK(listener.process().is_running());
  }

  TEST_CASE("--handler echo answers 100 peers, upper in upper case, discard nobody") {
    {
      UdpListener listener({"--handler", "echo"});
      std::vector<DatagramPeer> peers(100);
      for (int round = 0; round < 10; ++round) {
        for (auto& peer : peers) peer.send(peer.port() + ' ' + std::to_string(round), listener.port());
        for (auto& peer : peers) CHECK(peer.receive().bytes == peer.port() + ' ' + std::to_string(round));
      }
    }
    DatagramPeer peer;
    UdpListener upper({"--handler", "upper"});
    peer.send("Ab z{", upper.port());
    CHECK(peer.receive().bytes == "AB Z{");
    UdpListener discard({"--handler", "discard", "--datagrams", "1"});
    peer.send("x", discard.port());
    check_end(discard.process(), exited(0));
    CHECK(discard.process().out().empty());
    CHECK_FALSE(peer.has_more());
  }

  TEST_CASE("--format: line, hex and json with what the kernel knows of each datagram") {
    DatagramPeer peer;
    const auto shown = [&](const std::string& format) {
      UdpListener listener({"--format", format, "--datagrams", "2"}, {Stdio::null()});
      peer.send("a", listener.port());
      peer.send("b\n", listener.port());
      check_end(listener.process(), exited(0));
      return lines_of(listener.process().out());
    };
    CHECK(shown("line") == std::vector<std::string>{"a", "b"});
    const auto source = "127.0.0.1:" + peer.port();
    CHECK(shown("text") == std::vector<std::string>{source + " a", source + " b"});
    CHECK(shown("hex") == std::vector<std::string>{source + " 61", source + " 620a"});
    const auto lines = shown("json");
    REQUIRE(lines.size() == 2);
    const auto event = json::parse(lines[1]);
    CHECK(event["event"] == "datagram");
    CHECK(event["source"] == source);
    CHECK(event["destination"] == "127.0.0.1");
    CHECK(event["interface"] == "lo");
    CHECK(event["ttl"] == 64);
    CHECK(event["tos"] == 0);
    CHECK(event["size"] == 2);
    CHECK(event["truncated"] == false);
    CHECK(event["text"] == "b\n");
    CHECK(event["hex"] == "620a");
    CHECK(std::abs(event["time"].get<double>() - static_cast<double>(time(nullptr))) < 100);
  }

  TEST_CASE("a listener on a terminal shows who has sent each datagram, and no control characters") {
    int terminal = -1, program_side = -1;
    REQUIRE(openpty(&terminal, &program_side, nullptr, nullptr, nullptr) == 0);
    const UniqueFd screen(terminal), tty(program_side);
    DatagramPeer one, other;
    UdpListener listener({"--datagrams", "2"}, {Stdio::null(), Stdio::given(tty.get())});
    one.send("hello\n", listener.port());
    const auto first = "127.0.0.1:" + one.port() + " hello\r\n";
    std::string shown;
    const auto read_line = [&] {
      char byte = 0;
      do {
        REQUIRE(read(screen.get(), &byte, 1) == 1);
        shown += byte;
      } while (byte != '\n');
    };
    read_line();
    CHECK(shown == first);
    other.send("\x1b[2Jforged\n" + first, listener.port());
    read_line();
    CHECK(shown ==
          first + "127.0.0.1:" + other.port() + " ?[2Jforged?127.0.0.1:" + one.port() + " hello?\r\n");
    check_end(listener.process(), exited(0));
  }

  TEST_CASE("unix datagrams: the client has a name of its own, so that the answer finds it") {
    const Folder folder;
    for (const auto& address :
         {"unix:" + (folder / "socket"), "unix:@" + fs::path(folder.path()).filename().string()}) {
      Process listener(sockx({"--json", "udp", "--listen", "--handler", "echo", address}));
      listener.err_line("\"listening\"");
      Process client(sockx({"udp", address, "--framing", "all", "--expect", "1", "--reply-timeout", "20s"}),
                     {Stdio::pipe()});
      const auto content = noise(100'000);
      client.feed(content);
      check_end(client, exited(0));
      CHECK(client.out() == content);
      listener.signal(SIGTERM);
      check_end(listener, killed_by(SIGTERM));
    }
    CHECK_FALSE(fs::exists(folder / "socket"));
  }

  TEST_CASE("a listener outlives peers that cannot be answered") {
    const Folder folder;
    const auto path = folder / "socket";
    Process listener(sockx({"--json", "udp", "--listen", "--handler", "echo", "unix:" + path}));
    listener.err_line("\"listening\"");
    // One without a name, and one whose name has gone when the answer comes.
    run({"python3", "-c",
         "import os,socket,sys\nfor name in [None, sys.argv[2]]:\n"
         " s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n"
         " if name: s.bind(name); os.unlink(name)\n"
         " s.sendto(b'x',sys.argv[1])\n",
         path, folder / "gone"});
    Process client(sockx({"udp", "unix:" + path, "--expect", "1", "--reply-timeout", "20s"}),
                   {Stdio::pipe()});
    client.feed("still there\n");
    check_end(client, exited(0));
    CHECK(client.out() == "still there\n");
  }

  TEST_CASE(
      "a unix peer that reads nothing does not keep the others from their answers, and what it lost is "
      "told") {
    const Folder folder;
    const auto path = folder / "socket";
    Process listener(sockx({"--json", "udp", "--listen", "--handler", "echo", "unix:" + path}));
    listener.err_line("\"listening\"");
    // Connected, so that the kernel has no limit for its queue: only the listener's send buffer ends.
    Process deaf({"python3", "-c",
                  "import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n"
                  "s.bind(sys.argv[2])\ns.connect(sys.argv[1])\n"
                  "for i in range(2000): s.send(b'x'*60000)\n"
                  "print('sent',flush=True)\nsys.stdin.readline()\ns.settimeout(0.2)\ngot=b''\n"
                  "while got!=b'again':\n"
                  " try: got=s.recv(65536)\n"
                  " except TimeoutError: s.send(b'again')\n"
                  "print(got.decode(),flush=True)",
                  path, folder / "deaf"},
                 {Stdio::pipe()});
    deaf.out_line("sent");
    Process client(sockx({"udp", "unix:" + path, "--expect", "1000", "--reply-timeout", "60s"}),
                   {Stdio::pipe()});
    std::string lines;
    for (int i = 0; i < 1000; ++i) lines += std::to_string(i) + '\n';
    client.feed(lines);
    check_end(client, exited(0));
    CHECK(client.out() == lines);
    deaf.write("read\n");
    deaf.out_line("again");
    check_end(deaf, exited(0));
    listener.signal(SIGTERM);
    check_end(listener, killed_by(SIGTERM));
    const auto finished = event_of(events_in(listener.err()), "finished");
    CHECK(finished["undelivered"] > 0);
    CHECK(finished["sent"].get<int>() + finished["undelivered"].get<int>() == finished["received"]);
    CHECK(contains(listener.err(), "did not read"));
  }

  TEST_CASE("an echo server does not answer its own address, nor the ports that answer everything") {
    const Namespace net("ip addr add 192.0.2.1/24 dev lo");
    if (!net.works()) return;
    Process server(net.within(sockx({"--json", "udp", "--listen", "--handler", "echo", "9000"})));
    server.err_line("\"listening\"");
    // UDP over IPv4 with a source of its own choice; the kernel fills the checksum of IP in, that of UDP is
    // 0.
    Process forger(net.within(
        {"python3", "-c",
         "import socket,struct\n"
         "raw=socket.socket(socket.AF_INET,socket.SOCK_RAW,socket.IPPROTO_RAW)\n"
         "for host,port in [('127.0.0.1',9000),('127.0.0.9',9000),('192.0.2.1',9000),('127.0.0.1',7),"
         "('192.0.2.1',19)]:\n"
         " udp=struct.pack('>HHHH',port,9000,9,0)+b'x'\n"
         " ip=struct.pack('>BBHHHBBH4s4s',0x45,0,29,1,0,64,17,0,socket.inet_aton(host),"
         "socket.inet_aton('127.0.0.1'))\n"
         " raw.sendto(ip+udp,('127.0.0.1',0))\n"}));
    check_end(forger, exited(0));
    Process client(net.within(sockx({"udp", "127.0.0.1", "9000", "--expect", "1", "--reply-timeout", "20s"})),
                   {Stdio::pipe()});
    client.feed("hello\n");
    check_end(client, exited(0));
    CHECK(client.out() == "hello\n");
    server.signal(SIGTERM);
    check_end(server, killed_by(SIGTERM));
    const auto finished = event_of(events_in(server.err()), "finished");
    CHECK(finished["received"] == 6);
    CHECK(finished["sent"] == 1);
    CHECK(finished["unanswered"] == 5);
    CHECK(contains(server.err(), "our own address"));
  }

  TEST_CASE("two echo servers do not send one datagram back and forth for ever") {
    UdpListener first({"--handler", "echo", "--answer-rate", "1pps"});
    std::string port;
    {
      DatagramPeer peer;
      port = peer.port();
      first.process().signal(SIGSTOP);
      peer.send("x", first.port());
    }
    UdpListener second({"--handler", "echo", "--answer-rate", "1pps", "--json"}, {Stdio::pipe()}, {port});
    first.process().signal(SIGCONT);
    const auto told = [](Process& server) { return contains(server.err(), "--answer-rate"); };
    eventually("one of them stops", [&] { return told(first.process()) || told(second.process()); });
    DatagramPeer client;
    client.send("y", second.port());
    CHECK(client.receive().bytes == "y");
    second.process().signal(SIGTERM);
    check_end(second.process(), killed_by(SIGTERM));
    CHECK(event_of(events_in(second.process().err()), "finished")["received"] <= 1010);
  }

  TEST_CASE("100 peers with 1000 datagrams each are echoed, for that is no loop") {
    UdpListener echo({"--handler", "echo"});
    std::vector<DatagramPeer> peers(100);
    for (int round = 0; round < 1000; ++round) {
      for (auto& peer : peers) peer.send(std::to_string(round), echo.port());
      for (auto& peer : peers) REQUIRE(peer.receive().bytes == std::to_string(round));
    }
  }

  TEST_CASE("what is whole before a datagram that is too large is sent, however it comes") {
    DatagramPeer peer;
    Process sending(udp(peer), {Stdio::pipe()});
    sending.feed("first\n" + std::string(70'000, 'x') + "\n");
    check_failure(sending, 11, "65507");
    CHECK(peer.receive().bytes == "first\n");
    CHECK_FALSE(peer.has_more());
    Process corked(udp(peer, {"--send-flags", "more"}), {Stdio::pipe()});
    std::string lines;
    for (int i = 0; i < 40'000; ++i) lines += "x\n";
    corked.feed(lines);
    check_failure(corked, 11, "65507");
  }

  TEST_CASE("replies are written whole to a reader that takes its time") {
    UdpListener echo({"--handler", "echo"});
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    Process client(sockx({"udp", "127.0.0.1", echo.port(), "--framing", "size=40000", "--expect", "5",
                          "--reply-timeout", "100ms"}),
                   {Stdio::pipe(), Stdio::given(writer.get())});
    writer.reset();
    const auto content = noise(200'000);
    client.feed(content);
    std::string got;
    // The pipe is full long before the last reply, and the time limit for replies passes.
    CHECK_THROWS(client.wait(500ms));
    char buffer[4096];
    while (const auto size = read(reader.get(), buffer, sizeof buffer)) {
      REQUIRE(size > 0);
      got.append(buffer, static_cast<std::size_t>(size));
    }
    check_end(client, exited(0));
    CHECK(got == content);
  }

  TEST_CASE("UDP-Lite carries a question and its answer") {
    UdpListener listener({"--udplite", "--handler", "echo"});
    Process client(sockx({"udp", "--udplite", "127.0.0.1", listener.port(), "--expect", "1"}),
                   {Stdio::pipe()});
    client.feed("x\n");
    check_end(client, exited(0));
    CHECK(client.out() == "x\n");
  }

  TEST_CASE("--send-flags and --recv-flags reach the calls") {
    DatagramPeer peer;
    Process out_of_band(udp(peer, {"--send-flags", "oob"}), {Stdio::pipe()});
    out_of_band.feed("x\n");
    check_failure(out_of_band, 1, "Operation not supported");
    Process more(udp(peer, {"--send-flags", "more", "--reply-timeout", "0"}), {Stdio::pipe()});
    more.feed("one\ntwo\n");
    check_end(more, exited(0));
    CHECK(peer.receive().bytes == "one\ntwo\n");
    UdpListener peeking({"--recv-flags", "peek", "--datagrams", "3"}, {Stdio::null()});
    peer.send("again ", peeking.port());
    check_end(peeking.process(), exited(0));
    CHECK(peeking.process().out() == "again again again ");
    Process endless(sockx({"udp", "--listen", "--recv-flags", "peek", "0"}));
    check_failure(endless, 2, "--datagrams");
  }

  TEST_CASE("what the listener's queue had no room for is told at the end") {
    UdpListener listener({"--opt", "RCVBUF=2304", "--datagrams", "20"}, {Stdio::null()});
    listener.process().signal(SIGSTOP);
    DatagramPeer peer;
    for (int i = 0; i < 100; ++i) peer.send(std::string(1000, 'x'), listener.port());
    listener.process().signal(SIGCONT);
    eventually("the queue is empty again", [&] {
      peer.send("y", listener.port());
      return !listener.process().is_running();
    });
    check_end(listener.process(), exited(0));
    CHECK(contains(listener.process().err(), "the kernel dropped"));
  }

  TEST_CASE("a port in use is 8, no host 3, and bad words are 2") {
    DatagramPeer peer;
    Process taken(sockx({"udp", "--listen", "127.0.0.1", peer.port()}));
    check_failure(taken, 8, "Address already in use");
    Process nowhere(sockx({"udp", "nosuch.invalid", "9"}));
    check_failure(nowhere, 3, "nosuch.invalid");
    for (const auto& [words, said] : std::vector<std::pair<std::vector<std::string>, std::string>>{
             {{"udp", "127.0.0.1"}, "'127.0.0.1'"},
             {{"udp", "127.0.0.1", "70000"}, "'70000'"},
             {{"udp", "--listen", "--reply", "nobody", "0"}, "'nobody'"},
             {{"udp", "--handler", "echo", "127.0.0.1", "9"}, "--listen"},
             {{"udp", "--framing", "words", "127.0.0.1", "9"}, "'words'"},
             {{"udp", "--rate", "fast", "127.0.0.1", "9"}, "'fast'"},
             {{"udp", "--rate", "0pps", "127.0.0.1", "9"}, "'0pps'"},
             {{"udp", "--join", "10.0.0.1", "--listen", "0"}, "'10.0.0.1'"},
             {{"udp", "--generate", "10", "127.0.0.1", "9"}, "'10'"},
             {{"udp", "--generate", "70000", "127.0.0.1", "9"}, "'70000'"},
             {{"udp", "--listen", "--expect", "1", "0"}, "--expect"},
             {{"udp", "--expect", "-1", "127.0.0.1", "9"}, "'-1'"},
             {{"udp", "--datagrams", "99999999999999999999", "127.0.0.1", "9"}, "'99999999999999999999'"},
             {{"udp", "-6", "--listen", "--join", "239.1.2.3%lo", "0"}, "IPv6 alone"},
             {{"udp", "-4", "--listen", "--reply", "[::1]:5", "0"}, "'[::1]:5'"},
             {{"udp", "--listen", "--send-flags", "more", "0"}, "--send-flags"},
             {{"udp", "--listen", "--handler", "echo", "--format", "hex", "0"}, "--format"},
             {{"udp", "--source", "::1", "127.0.0.1", "9"}, "--source: '::1': '127.0.0.1:9' has no address"},
             {{"udp", "--listen", "--source", "127.0.0.1:9", "0"}, "; say --source ADDRESS 0"},
             {{"udp", "--listen", "--source", "127.0.0.1", "127.0.0.2", "0"}, "--source: '127.0.0.1': where"},
             {{"udp", "-6", "--listen", "--source", "127.0.0.1", "0"}, "--source: '127.0.0.1' is not of"},
             {{"udp", "--mcast-ttl", "2", "unix:/x"}, "--mcast-ttl: 'unix:/x' is reached through no network"},
             {{"udp", "--mcast-interface", "none", "127.0.0.1", "9"}, "--mcast-interface: 'none': no such"},
             {{"udp", "255.255.255.255", "9"}, "is a broadcast address; say --broadcast"},
             {{"udp", "vsock:2:9"}, "'vsock:2:9'"}}) {
      Process process(sockx(words));
      check_failure(process, 2, said);
    }
  }

  TEST_CASE(
      "of inherited sockets only those for datagrams are taken, and without --listen only connected ones") {
    DatagramPeer peer;
    const auto inherited = "fd:" + std::to_string(peer.fd());
    Process unconnected(sockx({"udp", inherited}), {.inherited = {peer.fd()}});
    check_failure(unconnected, 2,
                  "'" + inherited + "': that socket is not connected; say sockx udp --listen");
    const auto pair = tcp_pair();
    const auto stream = "fd:" + std::to_string(pair.ours.get());
    Process of_a_stream(sockx({"udp", stream}), {.inherited = {pair.ours.get()}});
    check_failure(of_a_stream, 2, "'" + stream + "': that is not a datagram socket");
  }

  TEST_CASE("a service is looked up for UDP") {
    Process known(sockx({"udp", "127.0.0.1", "tftp", "--reply-timeout", "0"}));
    check_end(known, exited(0));
    Process unknown(sockx({"udp", "127.0.0.1", "nosuchservice"}));
    check_failure(unknown, 2, "for UDP");
  }

  TEST_CASE("when nobody reads standard output any more, a listener dies of SIGPIPE") {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    UdpListener listener({}, {Stdio::null(), Stdio::given(writer.get())});
    writer.reset();
    reader.reset();
    check_end(listener.process(), killed_by(SIGPIPE));
  }

  TEST_CASE("generator and meter agree: sent = received + lost, by number") {
    for (const std::string family : {"127.0.0.1", "::1"}) {
      UdpListener meter({"--measure", "--expect", "1", "--json"}, {Stdio::null()});
      const auto told = events_in(
          run(sockx({"--json", "udp", "--generate", "64", "--datagrams", "100000", family, meter.port()})));
      check_end(meter.process(), exited(0));
      const auto measured = event_of(events_in(meter.process().out()), "measured");
      CHECK(event_of(told, "generated")["sent"] == 100'000);
      CHECK(measured["sent"] == 100'000);
      CHECK(measured["received"].get<int>() + measured["lost"].get<int>() == 100'000);
      CHECK(measured["duplicated"] == 0);
      CHECK(measured["complete"] == true);
      CHECK(event_of(told, "reported")["received"] == measured["received"]);
    }
  }

  TEST_CASE("a paced load has a jitter, arrives whole and takes its time") {
    UdpListener meter({"--measure", "--expect", "1", "--json"}, {Stdio::null()});
    const auto told = events_in(run(sockx({"--json", "udp", "--generate", "100", "--datagrams", "2000",
                                           "--rate", "10kpps", "127.0.0.1", meter.port()})));
    check_end(meter.process(), exited(0));
    const auto measured = event_of(events_in(meter.process().out()), "measured");
    CHECK(measured["received"].get<int>() + measured["lost"].get<int>() == 2000);
    CHECK(measured["trains"] == false);
    CHECK(measured.contains("jitter"));
    CHECK(event_of(told, "generated")["seconds"].get<double>() > 0.15);
  }

  TEST_CASE("a meter counts what is lost, reordered, duplicated and foreign") {
    UdpListener meter({"--measure", "--expect", "1", "--json"}, {Stdio::null()});
    DatagramPeer peer;
    const auto packet = [](const std::string& kind, char sequence) {
      return kind + std::string{0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, sequence, 0, 0, 0, 0, 0, 0, 0, 0};
    };
    for (const char sequence : {'\0', '\1', '\4', '\3', '\4', '\6'})
      peer.send(packet("sxl1", sequence), meter.port());
    peer.send("something else", meter.port());
    peer.send(packet("sxe1", 8), meter.port());
    CHECK(peer.receive().bytes.starts_with("sxr1"));
    check_end(meter.process(), exited(0));
    const auto measured = event_of(events_in(meter.process().out()), "measured");
    CHECK(measured["sent"] == 8);
    CHECK(measured["received"] == 5);
    CHECK(measured["lost"] == 3);
    CHECK(measured["reordered"] == 1);
    CHECK(measured["duplicated"] == 1);
    CHECK(contains(meter.process().err(), "1 datagram was of no load"));
  }

  TEST_CASE("a load whose numbers are near the greatest there is does not stop the meter") {
    UdpListener meter({"--measure", "--expect", "2"}, {Stdio::null()});
    DatagramPeer peer;
    const auto packet = [](char kind, std::uint64_t sequence) {
      std::string bytes{'s', 'x', kind, '1', 0, 0, 0, 7};
      for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(sequence >> shift & 0xffU);
      return bytes + std::string(8, '\0');
    };
    for (const auto sequence : {UINT64_MAX - 9, UINT64_MAX}) peer.send(packet('l', sequence), meter.port());
    peer.send(packet('e', UINT64_MAX), meter.port());
    CHECK(peer.receive().bytes.starts_with("sxr1"));
    run(sockx({"udp", "--generate", "64", "--datagrams", "10", "127.0.0.1", meter.port()}));
    check_end(meter.process(), exited(0));
    const auto lines = lines_of(meter.process().out());
    REQUIRE(lines.size() == 2);
    CHECK(contains(lines[0], "2 of 18446744073709551615 datagrams"));
    CHECK(contains(lines[1], "of 10 datagrams"));
  }

  TEST_CASE("a unix generator that does not read its reports leaves the others theirs") {
    const Folder folder;
    const auto path = folder / "meter";
    Process meter(
        sockx({"--json", "udp", "--listen", "--measure", "--opt", "SO_SNDBUF=20000", "unix:" + path}));
    meter.out_line("\"listening\"");
    Process deaf({"python3", "-c",
                  "import socket,struct,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n"
                  "s.bind(sys.argv[2])\ns.connect(sys.argv[1])\n"
                  "for i in range(1000): s.send(b'sxe1'+struct.pack('>IQQ',7,1,0))\n"
                  "print('sent',flush=True)\nsys.stdin.read()",
                  path, folder / "deaf"},
                 {Stdio::pipe()});
    deaf.out_line("sent");
    const auto told =
        events_in(run(sockx({"--json", "udp", "--generate", "64", "--datagrams", "10", "unix:" + path})));
    CHECK(event_of(told, "reported")["received"] == 10);
  }
}

}  // namespace test
