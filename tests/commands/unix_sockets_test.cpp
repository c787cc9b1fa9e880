// Unix sockets: by path and in the abstract namespace, and what becomes of the file.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

/// The file of a socket whose owner was killed.
void leave_stale_socket(const std::string& path) {
  const Peer socket(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  Peer::check(bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
}

TEST_CASE("unix sockets: a conversation over a path and over an abstract name") {
  const Folder folder;
  const auto name = fs::path(folder.path()).filename().string();  // unique, and so is the abstract one
  for (const auto& address : {"unix:" + (folder / "socket"), "unix:@" + name}) {
    CAPTURE(address);
    Process listening(sockx({"listen", "-v", address}), {Stdio::pipe()});
    listening.err_line("listening on");
    Process connecting(sockx({"connect", address}), {Stdio::pipe()});
    connecting.feed("question");
    listening.feed("answer");
    check_end(connecting, exited(0));
    check_end(listening, exited(0));
    CHECK(connecting.out() == "answer");
    CHECK(listening.out() == "question");
    CHECK(folder.size() == 0);
  }
}

TEST_CASE("unix sockets: a stale file is replaced") {
  const Folder folder;
  leave_stale_socket(folder / "socket");
  Process listening(sockx({"listen", "-v", "unix:" + (folder / "socket")}));
  listening.err_line("listening on");
  run(sockx({"connect", "unix:" + (folder / "socket")}));
  check_end(listening, exited(0));
  CHECK(folder.size() == 0);
}

TEST_CASE("unix sockets: a live listener is refused with 8, and neither notices nor loses its file") {
  const Folder folder;
  const auto address = "unix:" + (folder / "socket");
  Process first(sockx({"listen", "-v", address}), {Stdio::pipe()});
  first.err_line("listening on");
  Process second(sockx({"listen", address}));
  check_failure(second, 8, "Address already in use");
  Process connecting(sockx({"connect", address}), {Stdio::pipe()});
  connecting.feed("still there?");
  first.close_input();
  check_end(connecting, exited(0));
  check_end(first, exited(0));
  CHECK(first.out() == "still there?");
}

TEST_CASE(
    "unix sockets: of many that start at once on a stale file one listens, and the others say that it is in "
    "use") {
  const std::vector<std::vector<std::string>> kinds{{"listen", "-k", "--handler", "echo"},
                                                    {"listen", "--type", "seqpacket"},
                                                    {"udp", "--listen", "--handler", "echo"}};
  for (int round = 0; round < 6; ++round) {
    const Folder folder;
    const auto path = folder / "socket";
    leave_stale_socket(path);
    std::vector<std::unique_ptr<Process>> all;
    // They wait for one moment at which a pipe ends.
    int gate[2];
    REQUIRE(pipe2(gate, O_CLOEXEC) == 0);
    const UniqueFd begin(gate[0]);
    UniqueFd hold(gate[1]);
    for (std::size_t i = 0; i < 8; ++i)
      all.push_back(std::make_unique<Process>(
          std::vector<std::string>{"sh", "-c", "read nothing; exec \"$0\" \"$@\" 2>&1"} + sockx({"-v"}) +
              kinds[static_cast<std::size_t>(round) % kinds.size()] +
              std::vector<std::string>{"unix:" + path},
          Process::Options{Stdio::given(begin.get())}));
    hold.reset();
    int listening = 0;
    for (const auto& process : all) {
      const auto line = process->out_line();
      CAPTURE(line);
      listening += contains(line, "listening on") ? 1 : 0;
      CHECK((contains(line, "listening on") || contains(line, "Address already in use")));
    }
    CHECK(listening == 1);
    // It is reachable, for its file is there, and goes at its end.
    CHECK(fs::exists(path));
    for (const auto& process : all)
      if (contains(process->out(), "listening on")) process->signal(SIGTERM);
    for (const auto& process : all) process->wait();
    CHECK(folder.size() == 0);
  }
}

TEST_CASE("unix sockets: between finding a file stale and replacing it nobody else replaces it") {
  if (is_missing("strace")) return;
  const Folder folder;
  const auto path = folder / "socket";
  leave_stale_socket(path);
  int gate[2];
  REQUIRE(pipe2(gate, O_CLOEXEC) == 0);
  const UniqueFd begin(gate[0]);
  UniqueFd hold(gate[1]);
  std::vector<std::unique_ptr<Process>> both;
  // The second is slow: it would remove the file of the first.
  for (const auto* const delay : {"200000", "400000"}) {
    Process::Options options{Stdio::given(begin.get())};
    options.environment.emplace_back("ASAN_OPTIONS=detect_leaks=0");  // it does not work under ptrace
    both.push_back(std::make_unique<Process>(
        std::vector<std::string>{"sh", "-c", "read nothing; exec \"$0\" \"$@\" 2>&1", "strace", "-qq", "-o",
                                 "/dev/null", "-e",
                                 std::string("inject=unlink,unlinkat:delay_enter=") + delay} +
            sockx({"-v", "listen", "unix:" + path}),
        options));
  }
  hold.reset();
  int listening = 0;
  for (const auto& process : both) listening += contains(process->out_line(), "listening on") ? 1 : 0;
  CHECK(listening == 1);
}

TEST_CASE("unix sockets: who may only read the folder does not delay a start") {
  if (is_missing("strace")) return;
  const Folder folder;
  const UniqueFd reader(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(flock(reader.get(), LOCK_EX) == 0);
  Process::Options options;
  options.environment.emplace_back("ASAN_OPTIONS=detect_leaks=0");  // it does not work under ptrace
  const Folder other;
  Process server(std::vector<std::string>{"strace", "-f", "-o", other / "calls", "-e", "trace=flock"} +
                     sockx({"listen", "--accept-timeout", "100ms", "unix:" + (folder / "socket")}),
                 options);
  check_end(server, exited(5));
  const auto calls = read_file(other / "calls");
  CHECK(contains(calls, "LOCK_EX|LOCK_NB"));
  CHECK_FALSE(contains(calls, "EAGAIN"));
}

TEST_CASE(
    "unix sockets: a lock that a killed program has left is taken, and one of another user is ignored") {
  const Folder folder;
  const auto lock = write_file(folder / ".sockx-socket.lock", "");
  const auto words = sockx({"listen", "--accept-timeout", "1ms", "unix:" + (folder / "socket")});
  Process after_kill(words);
  check_failure(after_kill, 5);
  CHECK(folder.size() == 0);
  if (geteuid() != 0) return;
  write_file(lock, "theirs");
  REQUIRE(chown(lock.c_str(), 7, 7) == 0);
  const UniqueFd theirs(open(lock.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(flock(theirs.get(), LOCK_EX) == 0);
  Process beside_other(words);
  check_failure(beside_other, 5);
  CHECK(read_file(lock) == "theirs");
}

TEST_CASE("unix sockets: a file that is no socket is left alone") {
  const Folder folder;
  write_file(folder / "precious", "content");
  Process process(sockx({"listen", "unix:" + (folder / "precious")}));
  check_failure(process, 8, "precious is a regular file, not a socket");
  CHECK_FALSE(contains(process.err(), "in use"));
  CHECK(read_file(folder / "precious") == "content");
  Process datagrams(sockx({"udp", "--listen", "unix:" + folder.path()}));
  check_failure(datagrams, 8, folder.path() + " is a directory, not a socket");
}

TEST_CASE("unix sockets: the file goes away on every way out") {
  const Folder folder;
  const auto address = "unix:" + (folder / "socket");
  Process timed_out(sockx({"listen", "--accept-timeout", "50ms", address}));
  check_failure(timed_out, 5);
  CHECK(folder.size() == 0);

  Process failing(sockx({"recv-file", "-v", "--size", "5", "--discard", address}));
  failing.err_line("listening on");
  Process connecting(sockx({"connect", address}));
  check_end(failing, exited(9));
  CHECK(folder.size() == 0);
}

TEST_CASE("unix sockets: a file is sent and received") {
  const Folder folder;
  const auto content = noise(3'000'000);
  write_file(folder / "sent", content);
  Process receiving(sockx({"recv-file", "-v", "-o", folder / "received", "unix:" + (folder / "socket")}));
  receiving.err_line("listening on");
  run(sockx({"send-file", folder / "sent", "unix:" + (folder / "socket")}));
  check_end(receiving, exited(0));
  CHECK(difference(read_file(folder / "received"), content) == "");
}

TEST_CASE("unix sockets: a peer that closes while the sender waits for input is no success") {
  const Folder folder;
  const auto address = "unix:" + (folder / "socket");
  Process receiving(
      {"python3", "-c",
       "import socket,sys\n"
       "l = socket.socket(socket.AF_UNIX); l.bind(sys.argv[1]); l.listen(); print('up', flush=True)\n"
       "s, _ = l.accept(); print(s.recv(100).decode(), flush=True)",
       folder / "socket"});
  receiving.out_line("up");
  Process sending(sockx({"send-file", "-", address}), {Stdio::pipe()});
  sending.write("hi");
  receiving.out_line("hi");
  check_failure(sending, 7, "Broken pipe");
}

TEST_CASE("unix sockets: a server that answers and closes ends the conversation in good order") {
  const Folder folder;
  Process receiving(
      {"python3", "-c",
       "import socket,sys\n"
       "l = socket.socket(socket.AF_UNIX); l.bind(sys.argv[1]); l.listen(); print('up', flush=True)\n"
       "s, _ = l.accept(); s.recv(100); s.sendall(b'answer')",
       folder / "socket"});
  receiving.out_line("up");
  Process asking(sockx({"connect", "unix:" + (folder / "socket")}), {Stdio::pipe()});
  asking.write("question");
  check_end(asking, exited(0));
  CHECK(asking.out() == "answer");
}

TEST_CASE("unix sockets: --until peer ends a session whose stdin never says anything") {
  const Folder folder;
  const auto address = "unix:" + (folder / "socket");
  for (const bool listens : {true, false}) {
    std::vector<std::string> quiet{"--until", "peer"}, speaking{"--line", "answer"};
    Process listening(sockx({"listen", "-v", address}) + (listens ? quiet : speaking), {Stdio::pipe()});
    listening.err_line("listening on");
    Process connecting(sockx({"connect", address}) + (listens ? speaking : quiet), {Stdio::pipe()});
    check_end(listening, exited(0));
    check_end(connecting, exited(0));
    CHECK((listens ? listening : connecting).out() == "answer\n");
  }
}

TEST_CASE("unix sockets: a stdin that is silent after the peer's end is warned of") {
  const Folder folder;
  const auto address = "unix:" + (folder / "socket");
  Process listening(sockx({"listen", "-v", address}), {Stdio::pipe()});
  listening.err_line("listening on");
  Process connecting(sockx({"connect", "--line", "answer", address}));
  CHECK(contains(listening.err_line("warning"), "--until peer"));
  CHECK(listening.is_running());
  listening.close_input();
  check_end(listening, exited(0));
  check_end(connecting, exited(0));
  CHECK(listening.out() == "answer\n");
}

}  // namespace

}  // namespace test
