// --exec and --sh: a program at our end of the connection, and what becomes of it.
#include <signal.h>

#include "../support/events.hpp"
#include "../support/peer.hpp"
#include "../support/transport.hpp"

namespace test {

namespace {

/// listen with these words, a peer that has connected, and the program that is then started.
struct ServedByProgram {
  Process ours;
  Peer peer;

  explicit ServedByProgram(const std::vector<std::string>& program,
                           const std::vector<std::string>& words = {}, const Process::Options& options = {},
                           const Transport& over = Transport::Kind::plain)
      : ours(sockx({"listen", "--exec", "127.0.0.1", "0"}) + over.words(true) + words +
                 std::vector<std::string>{"--"} + program,
             options),
        peer(over.connected_to(port_of(ours))) {}
  ServedByProgram(const Transport& over, const std::vector<std::string>& program,
                  const std::vector<std::string>& words = {})
      : ServedByProgram(program, words, {}, over) {}
};

/// The process that `parent` has started, as soon as it runs `name`.
std::string child_of(const Process& parent, const std::string& name) {
  const auto task = "/proc/" + std::to_string(parent.pid());
  std::string child;
  eventually("a child that is " + name, [&] {
    child.clear();
    std::istringstream(read_file(task + "/task/" + std::to_string(parent.pid()) + "/children")) >> child;
    return !child.empty() && read_file("/proc/" + child + "/comm") == name + "\n";
  });
  return child;
}

/// Waits until sockx itself has ended; then there must be no child any more. To be asked before wait(), which
/// ends what is left.
void check_child_gone(const Process& parent, const std::string& child) {
  eventually("sockx has ended", [&] { return !parent.is_running(); });
  CHECK_FALSE(fs::exists("/proc/" + child));
}

constexpr std::size_t hundred_megabytes = 100'000'000;

TEST_CASE("--exec -- cat: 100 MB come back whole, with listen and with connect") {
  const Folder folder;
  const auto content = noise(hundred_megabytes);
  write_file(folder / "content", content);
  const std::vector<std::string> program{"--exec", "--", "cat"};
  const Process::Options asks{Stdio::input(folder / "content"), Stdio::output(folder / "back")};
  for (const bool listens : {true, false}) {
    Process first(sockx({"listen", "127.0.0.1", "0"}) + (listens ? program : std::vector<std::string>{}),
                  listens ? Process::Options{} : asks);
    Process second(
        sockx({"connect", "127.0.0.1", port_of(first)}) + (listens ? std::vector<std::string>{} : program),
        listens ? asks : Process::Options{});
    check_end(second, exited(0));
    check_end(first, exited(0));
    CHECK(difference(read_file(folder / "back"), content) == "");
    CHECK((listens ? first : second).out() == "");
    CHECK((listens ? first : second).err() == "");
  }
}

TEST_CASE("--exec: 100 MB come back also from a program that begins only when the client has ended") {
  const Folder folder;
  const auto content = noise(hundred_megabytes);
  write_file(folder / "content", content);
  Process listening(sockx({"listen", "--exec", "127.0.0.1", "0", "--", "sh", "-c",
                           "cat >'" + (folder / "kept") + "'; cat '" + (folder / "kept") + "'"}));
  Process asking(sockx({"connect", "127.0.0.1", port_of(listening)}),
                 {Stdio::input(folder / "content"), Stdio::output(folder / "back")});
  check_end(asking, exited(0));
  check_end(listening, exited(0));
  CHECK(difference(read_file(folder / "back"), content) == "");
}

TEST_CASE("--exec: the words reach the program untouched, and --sh has a shell") {
  ServedByProgram printing({"printf", "[%s]", "a b", "*", "$HOME", "--help", ""});
  printing.peer.finish();
  CHECK(printing.peer.receive_all() == "[a b][*][$HOME][--help][]");
  check_end(printing.ours, exited(0));

  for (const auto* command : {"connect", "listen"}) {
    PeerListener listener;
    const bool listens = std::string(command) == "listen";
    Process shell(sockx({command, "--sh", "tr a-z A-Z | rev", "127.0.0.1", listens ? "0" : listener.port()}));
    auto peer = listens ? Peer::connect(port_of(shell)) : listener.accept();
    peer.send("abc\n");
    peer.finish();
    CHECK(peer.receive_all() == "CBA\n");
    check_end(shell, exited(0));
  }
}

TEST_CASE("--exec: a status other than 0 is told, and is a failure, and so is death by a signal") {
  for (const auto& [command, said] : std::vector<std::pair<std::string, std::string>>{
           {"cat; exit 3", "sh exited with status 3"}, {"cat; kill -9 $$", "sh was killed by signal 9"}}) {
    ServedByProgram text({"sh", "-c", command});
    text.peer.send("whole");
    text.peer.finish();
    CHECK(text.peer.receive_all() == "whole");
    check_failure(text.ours, 1, said);

    ServedByProgram events({"sh", "-c", command}, {"--json"});
    events.peer.finish();
    CHECK(events.peer.receive_all().empty());
    check_end(events.ours, exited(1));
    const auto told = event_of(events_in(events.ours.err()), "program");
    CHECK(told.at("program") == "sh");
    CHECK(("sh " + told.at("end").get<std::string>()).starts_with(said));
    CHECK(event_of(events_in(events.ours.err()), "error").at("status") == 1);
  }
  ServedByProgram good({"true"}, {"--json"});
  good.peer.finish();
  CHECK(good.peer.receive_all().empty());
  check_end(good.ours, exited(0));
  CHECK(event_of(events_in(good.ours.err()), "program").at("end") == "exited with status 0");
}

TEST_CASE("--exec: a program that is not there, or is none, is a failure that names it, and no silence") {
  const Folder folder;
  const auto none = write_file(folder / "none", "text");
  for (const auto& [program, said] : std::vector<std::pair<std::string, std::string>>{
           {"/no/such/program", "exec /no/such/program: No such file or directory"},
           {"no-such-program", "exec no-such-program: No such file or directory"},
           {none, "none: Permission denied"}}) {
    ServedByProgram missing({program});
    missing.peer.finish();
    missing.peer.ends_by_reset();
    check_failure(missing.ours, 11, said);
  }
}

TEST_CASE("--exec: the program has 0, 1, 2 and nothing else of ours, nor of whoever started us") {
  const Folder folder;
  const UniqueFd secret(open(write_file(folder / "secret", "x").c_str(), O_RDONLY));
  ServedByProgram served({"cat"}, {"-vv", "--events", folder / "events", "--log-file", folder / "log"},
                         {.inherited = {secret.get()}});
  served.peer.send("x");
  CHECK(served.peer.receive(1) == "x");  // by now it has loaded its libraries
  const auto child = child_of(served.ours, "cat");
  std::vector<std::string> numbers;
  for (const auto& entry : fs::directory_iterator("/proc/" + child + "/fd"))
    numbers.push_back(entry.path().filename().string());
  std::sort(numbers.begin(), numbers.end());
  CHECK(numbers == std::vector<std::string>{"0", "1", "2"});
  for (const auto* number : {"0", "1"})
    CHECK(fs::read_symlink("/proc/" + child + "/fd/" + number).string().starts_with("pipe:"));
  served.peer.finish();
  CHECK(served.peer.receive_all().empty());
  check_end(served.ours, exited(0));
}

TEST_CASE("--exec: SIGTERM ends the program too, even one that does not want to, and the peer is told") {
  for (const auto& [command, name] : std::vector<std::pair<std::string, std::string>>{
           {"exec sleep 1000", "sleep"}, {"trap '' TERM; while :; do read -r line || sleep 1; done", "sh"}}) {
    CAPTURE(command);
    ServedByProgram served({"sh", "-c", "echo ready; " + command});
    CHECK(served.peer.receive(6) == "ready\n");
    const auto child = child_of(served.ours, name);
    served.ours.signal(SIGTERM);
    check_child_gone(served.ours, child);
    check_end(served.ours, killed_by(SIGTERM));
    CHECK(served.peer.ends_by_reset());
  }
}

TEST_CASE("--exec: the program learns of the connection from its environment") {
  const std::vector<std::string> tell{
      "sh", "-c",
      "echo $SOCKX_PEER_ADDR $SOCKX_PEER_PORT $SOCKX_LOCAL_ADDR $SOCKX_LOCAL_PORT $SOCKX_PROTO $GIVEN"};
  Process listening(sockx({"listen", "--exec", "127.0.0.1", "0", "--"}) + tell,
                    {.environment = {"GIVEN=kept", "SOCKX_PEER_ADDR=stale"}});
  const auto port = port_of(listening);
  auto peer = Peer::connect(port);
  auto ours = Peer::loopback(0);
  socklen_t size = sizeof ours;
  REQUIRE(getsockname(peer.fd(), reinterpret_cast<sockaddr*>(&ours), &size) == 0);
  peer.finish();
  CHECK(peer.receive_all() ==
        "127.0.0.1 " + std::to_string(ntohs(ours.sin_port)) + " 127.0.0.1 " + port + " tcp kept\n");
  check_end(listening, exited(0));
}

TEST_CASE("--exec: a program that stops reading: what it said arrives, the peer is drained and not reset") {
  for (const Transport over : every_transport) {
    for (const auto* command : {"head -c 10", "exec <&-; echo 0123456789 | head -c 10"}) {
      CAPTURE(over);
      ServedByProgram served(over, {"sh", "-c", command});
      served.peer.send("0123456789");
      served.peer.send(noise(5'000'000));
      served.peer.finish();
      CHECK(served.peer.receive_all() == "0123456789");
      check_end(served.ours, exited(0));
      CHECK(served.ours.err() == "");
    }
  }
}

TEST_CASE("--exec: a program that ignores the end of its input is waited for, or cut by --eof-timeout") {
  for (const Transport over : plain_and_secured) {
    CAPTURE(over);
    ServedByProgram patient(over, {"sh", "-c", "cat >/dev/null; echo late"});
    patient.peer.finish();
    CHECK(patient.peer.receive_all() == "late\n");
    check_end(patient.ours, exited(0));

    ServedByProgram cut(over, {"sh", "-c", "echo ready; exec sleep 1000"}, {"--eof-timeout", "200ms"});
    CHECK(cut.peer.receive(6) == "ready\n");
    const auto child = child_of(cut.ours, "sleep");
    cut.peer.finish();
    check_child_gone(cut.ours, child);
    check_failure(cut.ours, 5, "stdout of sh has not ended 0.2 s after");
  }
}

TEST_CASE("--exec: a program that the session's end cuts off does not hold it up") {
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> rows{
      {{"--max-bytes", "3"}, {"yes"}},
      {{"--recv-once", "6"}, {"cat"}},
      {{"--until", "peer"}, {"yes"}},
      {{"--until", "peer", "--eof-timeout", "100ms"}, {"sleep", "1000"}}};
  for (const Transport over : plain_and_secured) {
    for (const auto& [words, program] : rows) {
      if (over.is_secured() && words.front() == "--recv-once") continue;  // which is not for TLS
      CAPTURE(over);
      CAPTURE(words);
      ServedByProgram served(over, program, words);
      served.peer.send("abcdef");
      served.peer.finish();
      std::thread reader([&served] { served.peer.receive_all(); });  // `yes` says more than a socket holds
      eventually("sockx has ended", [&served] { return !served.ours.is_running(); });
      reader.join();
      check_end(served.ours, exited(0));
    }
  }
}

TEST_CASE("--exec: --idle-timeout bounds the wait for a program that has closed its streams") {
  ServedByProgram served({"sh", "-c", "exec sleep 1000 >&- <&-"}, {"--idle-timeout", "300ms"});
  served.peer.finish();
  CHECK(served.peer.receive_all().empty());
  check_failure(served.ours, 5, "sh has not ended in time");
}

TEST_CASE("--sh: every process of the command is ended with it") {
  Process ours(sockx(
      {"listen", "127.0.0.1", "0", "--idle-timeout", "500ms", "--sh", "echo $$; sleep 1000 | cat; true"}));
  auto peer = Peer::connect(port_of(ours));
  std::string group;
  for (auto letter = peer.receive(1); letter != "\n"; letter = peer.receive(1)) group += letter;
  check_failure(ours, 5);
  eventually("its process group is gone", [&group] { return kill(-std::stoi(group), 0) != 0; });
}

TEST_CASE("--exec: a peer that resets ends the program, with 7") {
  for (const Transport over : every_transport) {
    CAPTURE(over);
    ServedByProgram served(over, {"sh", "-c", "echo ready; exec cat"});
    CHECK(served.peer.receive(6) == "ready\n");
    const auto child = child_of(served.ours, "cat");
    served.peer.reset();
    check_child_gone(served.ours, child);
    check_failure(served.ours, 7, "Connection reset by peer");
  }
}

TEST_CASE("status 2: --exec without a program, a program without --exec, and what does not go with it") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows{
      {{"--exec"}, "--exec -- PROGRAM"},
      {{"--exec", "--"}, "--exec -- PROGRAM"},
      {{"--exec", "--sh", "cat", "--", "cat"}, "--sh"},
      {{"--exec", "--line", "x", "--", "cat"}, "--line"},
      {{"--", "cat"}, "cat"}};
  for (const auto& [words, said] : rows) {
    for (const auto* command : {"connect", "listen"}) {
      Process process(sockx({command, "127.0.0.1", "80"}) + words);
      check_failure(process, 2, said);
    }
  }
}

}  // namespace

}  // namespace test
