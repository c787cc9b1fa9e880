// What is said where nobody can take it: full devices and readers that have left, before the end or at it.
#include <signal.h>

#include "../support/descriptors.hpp"
#include "../support/events.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

TEST_CASE("--events /dev/full: the run ends with 11 and says why") {
  PeerListener listener;
  Process connecting(sockx({"connect", "--events", "/dev/full", "127.0.0.1", listener.port()}));
  check_failure(connecting, 11, "write /dev/full: No space left on device");
  Process listening(sockx({"listen", "--events", "/dev/full", "127.0.0.1", "0"}));
  check_failure(listening, 11, "write /dev/full: No space left on device");
}

TEST_CASE(
    "recv-file whose result cannot be printed: death by SIGPIPE without a reader, 11 on a full device") {
  for (const bool keeps_open : {true, false}) {
    for (const bool full : {true, false}) {
      CAPTURE(keeps_open);
      CAPTURE(full);
      auto [read_end, write_end] = make_pipe_ends(0);
      read_end.reset();
      auto words = sockx({"recv-file", "--discard", "127.0.0.1", "0"});
      if (keeps_open) words.emplace_back("--keep-open");
      Process receiving(
          words, {Stdio::null(), full ? Stdio::file("/dev/full", O_WRONLY) : Stdio::given(write_end.get())});
      auto peer = Peer::connect(port_of(receiving));
      peer.send("content");
      peer.finish();
      check_end(receiving, full ? exited(11) : killed_by(SIGPIPE));
      if (full) CHECK(contains(receiving.err(), "sockx: write stdout: No space left on device"));
    }
  }
}

TEST_CASE("recv-file -o: a result that cannot be printed does not undo the file") {
  const Folder folder;
  Process receiving(sockx({"recv-file", "-o", folder / "file", "127.0.0.1", "0"}),
                    {Stdio::null(), Stdio::file("/dev/full", O_WRONLY)});
  auto peer = Peer::connect(port_of(receiving));
  peer.send("content");
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(receiving, exited(11));
  CHECK(read_file(folder / "file") == "content");
}

/// recv-file and a reader behind it. The statuses of both are on standard error.
struct Pipeline {
  Folder folder;
  Process process;
  explicit Pipeline(const std::string& reader)
      : process({"bash", "-c", "\"$@\" | " + reader + "; echo \"statuses ${PIPESTATUS[*]}\" >&2", "bash",
                 sockx_binary(), "recv-file", "--quiet", "--port-file", folder / "port", "127.0.0.1", "0"},
                {.folder = folder.path()}) {}
  std::string port() const { return port_in(folder / "port"); }
};

TEST_CASE("recv-file: a reader that has read everything may leave before the end has come") {
  const auto content = noise(100'000);
  Pipeline pipeline("head -c 100000");
  auto peer = Peer::connect(pipeline.port());
  peer.send(content);
  eventually("head has everything", [&] { return pipeline.process.out().size() == content.size(); });
  peer.finish();
  CHECK(peer.receive_all().empty());  // taken, and no reset
  check_end(pipeline.process, exited(0));
  CHECK(pipeline.process.err() == "statuses 0 0\n");
}

TEST_CASE("recv-file: a reader that leaves early is still death by SIGPIPE, and the sender hears of it") {
  Pipeline pipeline("head -c 1000");
  auto peer = Peer::connect(pipeline.port());
  peer.send(noise(1001));
  eventually("head has its part", [&] { return pipeline.process.out().size() == 1000; });
  const auto flood = [&] {
    for (;;) peer.send(noise(100'000));
  };
  CHECK_THROWS(flood());
  check_end(pipeline.process, exited(0));
  CHECK(pipeline.process.err() == "statuses 141 0\n");
}

TEST_CASE("recv-file | tar x: an archive arrives, and both sides end well") {
  if (is_missing("tar")) return;
  const Folder folder;
  const auto content = noise(300'000);
  write_file(folder / "file", content);
  for (const std::string blocking : {"1", "20"}) {  // how many zeros there are after the last file
    CAPTURE(blocking);
    run({"tar", "-c", "-b", blocking, "-f", folder / "archive", "-C", folder.path(), "file"});
    Pipeline pipeline("tar x");
    Process sending(sockx({"send-file", folder / "archive", "127.0.0.1", pipeline.port()}));
    check_end(sending, exited(0));
    check_end(pipeline.process, exited(0));
    CHECK(pipeline.process.err() == "statuses 0 0\n");
    CHECK(difference(read_file(pipeline.folder / "file"), content) == "");
  }
}

TEST_CASE("--json --log-file /dev/full: whatever is on stderr is an event") {
  PeerListener listener;
  Process connecting(sockx(
      {"connect", "--json", "-vv", "--trace", "--log-file", "/dev/full", "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(connecting, exited(0));
  CHECK(events_in(connecting.err()).size() > 3);
}

}  // namespace

}  // namespace test
