// Signals: the program cleans up, tells what it has done, and dies by the very signal.
#include <signal.h>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"

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
    CHECK(peer.ends_by_reset());  // our input had not ended
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

TEST_CASE("the reader of stdout is gone: SIGPIPE, while bytes come and also while the peer is silent") {
  for (const bool silent : {true, false}) {
    CAPTURE(silent);
    for (const auto& command :
         {sockx({"listen", "127.0.0.1", "0"}), sockx({"recv-file", "127.0.0.1", "0"})}) {
      int ends[2];
      REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
      UniqueFd reader(ends[0]), writer(ends[1]);
      Process process(command, {Stdio::pipe(), Stdio::given(writer.get())});
      writer.reset();
      auto peer = Peer::connect(port_of(process));
      peer.send("x");
      char byte = 0;
      CHECK(read(reader.get(), &byte, 1) == 1);
      reader.reset();
      if (!silent) send(peer.fd(), "more", 4, MSG_NOSIGNAL);  // it may have noticed already
      check_end(process, killed_by(SIGPIPE));
      CHECK_FALSE(contains(process.err(), "sockx: "));
    }
  }
}

}  // namespace

}  // namespace test
