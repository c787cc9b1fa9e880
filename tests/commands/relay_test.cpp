// sockx relay: any two ends, one conversation.
#include <signal.h>

#include <thread>

#include "../support/relay_ends.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// Sends on a thread of its own, and ends.
class Sending {
 public:
  Sending(Peer& to, const std::string& bytes, bool then_finish) {
    thread_ = std::thread([&to, &bytes, then_finish] {
      try {
        to.send(bytes);
        if (then_finish) to.finish();
      } catch (const std::system_error&) {  // what is missing is seen at the other end
      }
    });
  }
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;
  ~Sending() { thread_.join(); }

 private:
  std::thread thread_;
};

/// Much both ways at once; then `first` ends, and the other end goes on.
void check_conversation(Peer& first, Peer& last, std::size_t size) {
  const auto there = noise(size, 1), back = noise(size, 2), answer = noise(size / 4, 3);
  std::string got_there, got_back;
  {
    const Sending sending(first, there, true), answering(last, back, false);
    std::thread reading([&] { got_there = last.receive_all(); });
    got_back = first.receive(size);
    reading.join();
  }
  CHECK(difference(got_there, there) == "");
  CHECK(difference(got_back, back) == "");
  {
    const Sending sending(last, answer, true);
    got_back = first.receive_all();
  }
  CHECK(difference(got_back, answer) == "");
}

TEST_CASE("relay: each pair of ends carries both directions at once and each half-close, whole") {
  signal(SIGPIPE, SIG_IGN);
  Authority authority("the authority");
  const std::size_t size = is_sanitized() ? 100'000 : 400'000;
  for (const auto& first : RelaySide::kinds())
    for (const auto& second : RelaySide::kinds()) {
      if (first == second && (first == "-" || first == "exec")) continue;
      for (const bool first_ends_first : {true, false}) {
        CAPTURE(first);
        CAPTURE(second);
        CAPTURE(first_ends_first);
        if (is_sanitized() && first_ends_first == (first < second)) continue;
        Relayed pair(first, second, authority);
        if (first_ends_first)
          check_conversation(*pair.a, *pair.b, size);
        else
          check_conversation(*pair.b, *pair.a, size);
        pair.a->close();
        pair.b->close();
        check_end(*pair.process, exited(0));
        CHECK_FALSE(pair.process->left_others());
      }
    }
}

TEST_CASE("relay: 64 MiB both ways at once between TCP ends are whole, and counted") {
  Authority authority("the authority");
  const std::size_t size = is_sanitized() ? 8U << 20U : 64U << 20U;
  Relayed pair("tcp", "tcp", authority);
  check_conversation(*pair.a, *pair.b, size);
  pair.a->close();
  pair.b->close();
  check_end(*pair.process, exited(0));
  CHECK_MESSAGE(contains(pair.process->err(), std::to_string(size) + " bytes to B, " +
                                                  std::to_string(size + size / 4) + " bytes to A in "),
                pair.process->err());
}

TEST_CASE("relay: standard input through a pipe is sent whole, and the answer comes out") {
  PeerListener target;
  Process relay(sockx({"--json", "relay", "-", "127.0.0.1:" + target.port()}), {.in = Stdio::pipe()});
  auto far = target.accept();
  const auto content = noise(5'000'000), answer = noise(2'000'000, 2);
  relay.feed(content);
  CHECK(difference(far.receive_all(), content) == "");
  far.send(answer);
  far.finish();
  check_end(relay, exited(0));
  CHECK(difference(relay.out(), answer) == "");
  const auto closed = event_of(events_in(relay.err()), "closed");
  CHECK(closed.at("a") == "-");
  CHECK(closed.at("b") == "127.0.0.1:" + target.port());
  CHECK(closed.at("a_to_b") == content.size());
  CHECK(closed.at("b_to_a") == answer.size());
}

TEST_CASE("relay: against python at both ends, much both ways at once is whole") {
  const std::string script =
      "import socket, sys, threading, hashlib, random\n"
      "seed, size = int(sys.argv[1]), int(sys.argv[2])\n"
      "data = random.Random(seed).randbytes(size)\n"
      "l = socket.create_server(('127.0.0.1', 0))\n"
      "print(l.getsockname()[1], flush=True)\n"
      "s = l.accept()[0]\n"
      "def send():\n"
      "  s.sendall(data)\n"
      "  s.shutdown(socket.SHUT_WR)\n"
      "t = threading.Thread(target=send)\n"
      "t.start()\n"
      "h, n = hashlib.sha256(), 0\n"
      "while True:\n"
      "  part = s.recv(1 << 16)\n"
      "  if not part: break\n"
      "  h.update(part)\n"
      "  n += len(part)\n"
      "t.join()\n"
      "want = hashlib.sha256(random.Random(3 - seed).randbytes(size)).digest()\n"
      "sys.exit(0 if n == size and h.digest() == want else 1)\n";
  const std::string size = is_sanitized() ? "2000000" : "20000000";
  Process near({"python3", "-I", "-c", script, "1", size}), far({"python3", "-I", "-c", script, "2", size});
  run(sockx({"relay", "127.0.0.1:" + near.out_line(), "127.0.0.1:" + far.out_line()}));
  check_end(near, exited(0));
  check_end(far, exited(0));
}

TEST_CASE("relay: a file is read as A, emptied and written as B, and only added to by append") {
  const Folder folder;
  const auto content = noise(3'000'000);
  const auto source = write_file(folder / "source", content);
  PeerListener target;
  const auto endpoint = "127.0.0.1:" + target.port();
  {
    Process relay(sockx({"relay", "file:" + source, endpoint}));
    auto far = target.accept();
    CHECK(difference(far.receive_all(), content) == "");
    far.send("what a file does not hear");
    far.finish();
    check_end(relay, exited(0));
    CHECK(read_file(source) == content);
  }
  const auto sink = write_file(folder / "sink", "before");
  const auto receive = [&](const std::string& word, const std::string& bytes) {
    Process relay(sockx({"relay", endpoint, word}));
    auto far = target.accept();
    far.send(bytes);
    far.finish();
    check_end(relay, exited(0));
  };
  receive("file:" + sink, content);
  CHECK(difference(read_file(sink), content) == "");
  receive("file:" + sink, "short");
  CHECK(read_file(sink) == "short");
  receive("append:" + sink, " and more");
  CHECK(read_file(sink) == "short and more");
  receive("append:" + (folder / "new"), "x");
  CHECK(read_file(folder / "new") == "x");
  run(sockx({"relay", "file:" + source, "append:" + (folder / "copy")}));
  CHECK(difference(read_file(folder / "copy"), content) == "");
  run(sockx({"relay", "file:" + source, "sh:cat > " + (folder / "piped")}));
  CHECK(difference(read_file(folder / "piped"), content) == "");
  CHECK(run(sockx({"relay", "file:" + source, "-"})) == content);
}

TEST_CASE("relay: programs at both ends, and what they learn of the connection") {
  Process asking(sockx({"relay", "sh:echo question; read answer; echo \"$answer\" >&2", "exec", "--", "sed",
                        "-u", "s/question/answer/"}));
  check_end(asking, exited(0));
  CHECK(asking.err() == "answer\n");
  Process relay(sockx({"-v", "relay", "listen:127.0.0.1:0", "sh:echo $SOCKX_PEER_ADDR $SOCKX_PEER_PORT"}));
  auto client = connect_to(address_of(relay, "127.0.0.1"));
  CHECK(client.receive_all().starts_with("127.0.0.1 "));
  client.close();
  check_end(relay, exited(0));
}

TEST_CASE("relay: programs keep the limit of descriptors that sockx was started with") {
  const Words limited{"sh", "-c", "ulimit -Sn 100; exec \"$0\" \"$@\""};
  for (const auto& program : {Words{"sh:ulimit -Sn"}, Words{"exec", "--", "sh", "-c", "ulimit -Sn"}}) {
    Process relay(limited + sockx({"-v", "relay", "--keep-open", "listen:127.0.0.1:0"}) + program);
    CHECK(connect_to(address_of(relay, "127.0.0.1")).receive_all() == "100\n");
    relay.signal(SIGTERM);
    check_end(relay, killed_by(SIGTERM));
  }
}

TEST_CASE("relay: vsock ends, where the kernel has a loopback for them") {
  Process listening(sockx({"-v", "relay", "listen:vsock:any:45671", "sh:tr a-z A-Z"}));
  std::string said;
  eventually("it listens or has failed",
             [&] { return contains(said = listening.err(), "listening") || !listening.is_running(); });
  if (!listening.is_running()) {
    MESSAGE("skipped: ", said);
    return;
  }
  Process relay(sockx({"relay", "-", "vsock:1:45671"}), {.in = Stdio::pipe()});
  relay.feed("question");
  const auto end = relay.wait();
  if (end == exited(0))
    CHECK(relay.out() == "QUESTION");
  else
    MESSAGE("no loopback: ", relay.err());
}

}  // namespace

}  // namespace test
