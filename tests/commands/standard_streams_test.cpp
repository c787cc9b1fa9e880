// What stdin and stdout may be, and that nothing is left behind on them.
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"
#include "os/pipe.hpp"

namespace test {

namespace {

struct Pipe {
  UniqueFd read_end, write_end;
  Pipe() {
    int ends[2];
    Peer::check(pipe2(ends, O_CLOEXEC), "pipe2");
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
};

void write_all(int fd, const std::string& bytes) {
  REQUIRE(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

TEST_CASE("stdin is a file: sent from its offset, which moves on for the shell") {
  const Folder folder;
  const auto content = noise(300'000);
  write_file(folder / "file", content);
  const UniqueFd file(open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(lseek(file.get(), 1000, SEEK_SET) == 1000);
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::given(file.get())});
  auto peer = listener.accept();
  CHECK(difference(peer.receive_all(), content.substr(1000)) == "");
  peer.finish();
  check_end(connecting, exited(0));
  CHECK(lseek(file.get(), 0, SEEK_CUR) == 300'000);
}

TEST_CASE("stdin is a terminal: the session ends with the peer, without --until") {
  int terminal = -1, program_side = -1;
  REQUIRE(openpty(&terminal, &program_side, nullptr, nullptr, nullptr) == 0);
  const UniqueFd keyboard(terminal), tty(program_side);
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::given(tty.get())});
  auto peer = listener.accept();
  write_all(keyboard.get(), "typed\n");
  CHECK(peer.receive(6) == "typed\n");
  peer.send("answer");
  peer.finish();
  check_end(connecting, exited(0));
  CHECK(connecting.out() == "answer");
  CHECK((fcntl(tty.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("stdin is a terminal: its end (Ctrl-D) becomes FIN") {
  int terminal = -1, program_side = -1;
  REQUIRE(openpty(&terminal, &program_side, nullptr, nullptr, nullptr) == 0);
  const UniqueFd keyboard(terminal), tty(program_side);
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::given(tty.get())});
  auto peer = listener.accept();
  write_all(keyboard.get(), "line\n\004");
  CHECK(peer.receive_all() == "line\n");
  peer.finish();
  check_end(connecting, exited(0));
}

TEST_CASE("stdin is /dev/null or closed: our half ends at once") {
  for (const auto& in : {Stdio::null(), Stdio::closed()}) {
    PeerListener listener;
    Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {in});
    auto peer = listener.accept();
    CHECK(peer.receive_all().empty());
    peer.send("answer");
    peer.finish();
    check_end(connecting, exited(0));
    CHECK(connecting.out() == "answer");
  }
}

TEST_CASE(
    "stdout is closed: nothing of what comes lands in a socket of ours, and that it is lost is a failure") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::pipe(), Stdio::closed()});
  auto peer = listener.accept();
  peer.send(noise(300'000));
  peer.finish();
  check_failure(connecting, 11, "write stdout: Bad file descriptor");
}

TEST_CASE("stdout is closed: that is no failure where nothing comes") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}), {Stdio::pipe(), Stdio::closed()});
  auto peer = listener.accept();
  connecting.feed("question");
  CHECK(peer.receive_all() == "question");
  peer.finish();
  check_end(connecting, exited(0));
}

TEST_CASE("all three are closed") {
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}),
                     {Stdio::closed(), Stdio::closed(), Stdio::closed()});
  auto peer = listener.accept();
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(connecting, exited(0));
}

TEST_CASE("stdout is a file, or the end of one (>>)") {
  const Folder folder;
  const auto content = noise(3'000'000);
  for (const int flags : {O_WRONLY | O_TRUNC, O_WRONLY | O_APPEND}) {
    for (const auto* command : {"listen", "recv-file"}) {
      write_file(folder / "file", "before\n");
      Process process(sockx({command, "127.0.0.1", "0"}),
                      {Stdio::null(), Stdio::file(folder / "file", flags)});
      auto peer = Peer::connect(port_of(process));
      peer.send(content);
      peer.finish();
      check_end(process, exited(0));
      const auto before = (flags & O_APPEND) != 0 ? std::string("before\n") : std::string();
      CHECK(difference(read_file(folder / "file"), before + content) == "");
    }
  }
}

TEST_CASE("stdout is a pipe whose reader wants one byte: death by SIGPIPE, which a shell shows as 141") {
  const Folder folder;
  for (const auto* command : {"listen", "recv-file"}) {
    const auto port_file = folder / command;
    Process pipeline({"bash", "-c", "\"$@\" | head -c 1; echo \" ${PIPESTATUS[0]}\"", "bash", sockx_binary(),
                      command, "--port-file", port_file, "127.0.0.1", "0"});
    auto peer = Peer::connect(port_in(port_file));
    const auto piece = noise(1'000'000);
    const auto flood = [&] {
      for (;;) peer.send(piece);
    };
    CHECK_THROWS(flood());
    check_end(pipeline, exited(0));
    CHECK(pipeline.out() == piece.substr(0, 1) + " 141\n");
  }
}

TEST_CASE("stdin and stdout are one socket: its FIN is our end, and the peer's end is its FIN") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  Peer near{UniqueFd(ends[0])}, given{UniqueFd(ends[1])};
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}),
                     {Stdio::given(given.fd()), Stdio::given(given.fd())});
  auto peer = listener.accept();
  near.send("question");
  near.finish();
  CHECK(peer.receive_all() == "question");
  peer.send("answer");
  peer.finish();
  CHECK(near.receive_all() == "answer");
  check_end(connecting, exited(0));
  CHECK((fcntl(given.fd(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("stdin and stdout are another user's pipes, which cannot be opened anew") {
  if (is_missing("setpriv")) return;
  if (getuid() != 0) {
    MESSAGE("skipped: only root can become another user");
    return;
  }
  const Pipe in, out;
  const auto content = noise(60'000);
  PeerListener listener;
  auto words = sockx({"connect", "127.0.0.1", listener.port()});
  words.insert(words.begin(), {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"});
  Process connecting(words, {Stdio::given(in.read_end.get()), Stdio::given(out.write_end.get())});
  auto peer = listener.accept();
  write_all(in.write_end.get(), content);
  CHECK(difference(peer.receive(content.size()), content) == "");
  peer.send(content);
  std::string received;
  char buffer[4096];
  while (received.size() < content.size()) {
    const auto got = read(out.read_end.get(), buffer, sizeof buffer);
    REQUIRE(got > 0);
    received.append(buffer, static_cast<std::size_t>(got));
  }
  CHECK(difference(received, content) == "");
  CHECK((fcntl(in.read_end.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((fcntl(out.write_end.get(), F_GETFL) & O_NONBLOCK) == 0);
  connecting.signal(SIGTERM);
  check_end(connecting, killed_by(SIGTERM));
}

TEST_CASE("O_NONBLOCK is never left on the pipes that the shell lent") {
  const Pipe in, out;
  PeerListener listener;
  Process connecting(sockx({"connect", "127.0.0.1", listener.port()}),
                     {Stdio::given(in.read_end.get()), Stdio::given(out.write_end.get())});
  auto peer = listener.accept();
  write_all(in.write_end.get(), "x");
  CHECK(peer.receive(1) == "x");  // by now the streams are in use
  CHECK((fcntl(in.read_end.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((fcntl(out.write_end.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("stdin is a fifo opened for reading and writing: it does not end when a writer does") {
  const Folder folder;
  const auto fifo = folder / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  PeerListener listener;
  Process connecting(sockx({"connect", "--until", "peer", "127.0.0.1", listener.port()}),
                     {Stdio::file(fifo, O_RDWR)});
  auto peer = listener.accept();
  for (const std::string line : {"one\n", "two\n"}) {
    const UniqueFd writer(open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(writer);
    write_all(writer.get(), line);
    CHECK(peer.receive(4) == line);
  }
  char byte = 0;
  CHECK(recv(peer.fd(), &byte, 1, MSG_DONTWAIT) == -1);
  const auto facts = read_file("/proc/" + std::to_string(connecting.pid()) + "/fdinfo/0");
  const auto flags = std::stoi(facts.substr(facts.find("flags:") + 6), nullptr, 8);
  CHECK((flags & O_ACCMODE) == O_RDWR);
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(connecting, exited(0));
}

}  // namespace

}  // namespace test
