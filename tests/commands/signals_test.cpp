// Signals: the program cleans up, tells what it has done, and dies by the very signal.
#include <signal.h>

#include "../support/descriptors.hpp"
#include "../support/server.hpp"
#include "../support/transport.hpp"

namespace test {

namespace {

TEST_CASE("SIGINT, SIGTERM, SIGHUP end a conversation: socket file gone, peer told, summary printed") {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(number);
    const Folder folder;
    const auto address = "unix:" + (folder / "socket");
    Process waiting(sockx({"listen", "-v", address}));
    waiting.err_line("listening on");
    REQUIRE(fs::exists(folder / "socket"));
    waiting.signal(number);
    check_end(waiting, killed_by(number));
    CHECK_FALSE(fs::exists(folder / "socket"));

    PeerListener listener;
    Process talking(sockx({"connect", "-v", "127.0.0.1", listener.port()}), {Stdio::pipe()});
    auto peer = listener.accept();
    peer.send("12345\n");
    CHECK(talking.out_line() == "12345");
    talking.signal(number);
    check_end(talking, killed_by(number));
    CHECK(contains(talking.err(), "received 6 bytes"));
    CHECK(peer.receive_all().empty());  // our input was silent, so all of it had been sent
  }
}

TEST_CASE("a signal ends a transfer: no temporary file stays, totals are printed, the sender sees a reset") {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(number);
    const Folder folder;
    write_file(folder / "file", "old");
    Process receiving(sockx({"recv-file", "-o", folder / "file", "127.0.0.1", "0"}));
    auto peer = Peer::connect(port_of(receiving));
    peer.send("123456");
    eventually("the temporary file", [&] { return folder.size() == 2; });
    receiving.signal(number);
    check_end(receiving, killed_by(number));
    CHECK(contains(receiving.out(), "bytes from 127.0.0.1"));
    CHECK(contains(receiving.out(), "incomplete"));
    CHECK(folder.size() == 1);
    CHECK(read_file(folder / "file") == "old");
    CHECK(peer.ends_by_reset());
  }
}

TEST_CASE("a signal ends send-file: its summary is printed, the receiver sees a reset") {
  PeerListener listener;
  Process sending(sockx({"send-file", "/dev/zero", "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  CHECK(peer.receive(100'000).size() == 100'000);
  sending.signal(SIGTERM);
  check_end(sending, killed_by(SIGTERM));
  CHECK(contains(sending.out(), "broke off after"));
  CHECK(peer.ends_by_reset());
}

TEST_CASE("SIGHUP that the parent ignores (nohup) stays ignored") {
  Process listening({"nohup", sockx_binary(), "listen", "127.0.0.1", "0"});
  const auto port = port_of(listening);
  listening.signal(SIGHUP);
  Peer::connect(port).close();
  check_end(listening, exited(0));
}

/// The command as a parent starts it that has set signals so: `how` are options of env(1).
std::vector<std::string> started_with(const std::string& how, const std::vector<std::string>& command) {
  return std::vector<std::string>{"env", how} + command;
}

TEST_CASE("SIGCHLD that the parent ignores: how a program ends is told all the same") {
  const std::vector<std::string> program{"--exec", "--", "sh", "-c", "exit 3"};
  for (const std::string how : {"--ignore-signal=CHLD", "--block-signal=CHLD"}) {
    CAPTURE(how);
    PeerListener listener;
    Process connecting(started_with(how, sockx({"connect", "127.0.0.1", listener.port()}) + program));
    auto peer = listener.accept();
    peer.finish();
    peer.receive_all();
    check_failure(connecting, 1, "sh exited with status 3");

    Server server({"--keep-open", "--exec", "--", "sh", "-c", "exit 3"}, "127.0.0.1:0", {"env", how});
    auto client = server.connect();
    client.finish();
    client.receive_all();
    CHECK(server.event("closed").at("reason") == "sh exited with status 3");
    server.stop();
  }
}

TEST_CASE("SIGCHLD that the parent ignores: a worker that died is replaced, a comparison is made") {
  Server server({"--keep-open", "--handler", "echo", "--workers", "1"}, "127.0.0.1:0",
                {"env", "--ignore-signal=CHLD"});
  const auto first = server.event("worker").at("pid").get<pid_t>();
  kill(first, SIGKILL);
  CHECK(server.event("worker").at("pid") != first);
  server.process.signal(SIGTERM);
  check_end(server.process, killed_by(SIGTERM));

  const Folder folder;
  write_file(folder / "file", noise(100'000));
  Process comparing(
      started_with("--ignore-signal=CHLD", sockx({"send-file", "--compare", "--runs", "1", "--warmup", "0",
                                                  "--methods", "read-write,sendfile", folder / "file"})));
  check_end(comparing, exited(0));
}

TEST_CASE("signals that the parent blocks: every command is still ended by SIGTERM") {
  const Folder folder;
  PeerListener silent;
  const std::vector<std::vector<std::string>> commands{
      sockx({"-v", "listen", "127.0.0.1", "0"}),
      sockx({"-v", "listen", "--keep-open", "--handler", "echo", "127.0.0.1", "0"}),
      sockx({"-v", "listen", "--keep-open", "--handler", "echo", "--workers", "1", "127.0.0.1", "0"}),
      sockx({"-v", "recv-file", "--keep-open", "--discard", "127.0.0.1", "0"}),
      sockx({"-v", "udp", "--listen", "127.0.0.1", "0"}),
      sockx({"-v", "connect", "127.0.0.1", silent.port()}),
      sockx({"-v", "send-file", "/dev/zero", "127.0.0.1", silent.port()}),
  };
  for (const auto& command : commands) {
    Process process(started_with("--block-signal", command), {Stdio::pipe()});
    CAPTURE(process.command());
    const bool listens = command[2] == "listen" || command[2] == "recv-file" || command[2] == "udp";
    process.err_line(listens ? "listening on" : "connected to");
    process.signal(SIGTERM);
    check_end(process, killed_by(SIGTERM));
  }
}

TEST_CASE("SIGPIPE that the parent ignores or blocks: the reader of stdout has gone, and that is told") {
  for (const std::string how : {"--ignore-signal=PIPE", "--block-signal=PIPE"}) {
    CAPTURE(how);
    for (const auto& command : {sockx({"byteorder", "htons", "1"}), sockx({"resolve", "127.0.0.1"}),
                                sockx({"getaddrinfo", "127.0.0.1"}), sockx({"sockopt", "list"})}) {
      int ends[2];
      REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
      UniqueFd reader(ends[0]), writer(ends[1]);
      reader.reset();
      Process process(started_with(how, command), {Stdio::null(), Stdio::given(writer.get())});
      check_end(process, killed_by(SIGPIPE));
      CHECK(process.err() == "");
    }
  }
}

TEST_CASE("the reader of stdout is gone: SIGPIPE, while bytes come and also while the peer is silent") {
  for (const Transport over : plain_and_secured) {
    for (const bool silent : {true, false}) {
      for (const auto* const command : {"listen", "recv-file"}) {
        CAPTURE(over);
        CAPTURE(silent);
        CAPTURE(command);
        auto [reader, writer] = make_pipe_ends(0);
        Process process(sockx({command, "127.0.0.1", "0"}) + over.words(true),
                        {Stdio::pipe(), Stdio::given(writer.get())});
        writer.reset();
        auto peer = over.connected_to(port_of(process));
        peer.send("x");
        char byte = 0;
        CHECK(read(reader.get(), &byte, 1) == 1);
        reader.reset();
        try {
          if (!silent) peer.send("more");
        } catch (const std::system_error&) {  // it has noticed already
        }
        check_end(process, killed_by(SIGPIPE));
        CHECK_FALSE(contains(process.err(), "sockx: "));
      }
    }
  }
}

}  // namespace

}  // namespace test
