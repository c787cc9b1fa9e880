// recv-file: under which name, with what mode, how much of it, and one beside the other.
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <list>

#include "../../support/peer.hpp"
#include "../../support/sockx.hpp"

namespace test {

namespace {

/// Sends `content` to a recv-file with these words, which must end well. What it printed.
std::string receive(const std::vector<std::string>& words, const std::string& content) {
  Process receiving(sockx({"recv-file"}) + words + std::vector<std::string>{"127.0.0.1", "0"});
  auto peer = Peer::connect(port_of(receiving));
  peer.send(content);
  peer.finish();
  CHECK(peer.receive_all().empty());
  check_end(receiving, exited(0));
  return receiving.out();
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// How often the process has waited for something.
unsigned long waits_of(pid_t pid) {
  const std::string key = "\nvoluntary_ctxt_switches:";
  const auto status = read_file("/proc/" + std::to_string(pid) + "/status");
  return std::stoul(status.substr(status.find(key) + key.size()));
}

TEST_CASE("recv-file -o: the file bears its name only when it is whole, and is whole when the sender knows") {
  const Folder folder;
  Process receiving(sockx({"recv-file", "-o", folder / "file", "127.0.0.1", "0"}));
  auto peer = Peer::connect(port_of(receiving));
  const auto content = noise(5'000'000);
  peer.send(content);
  CHECK_FALSE(fs::exists(folder / "file"));
  peer.finish();
  CHECK(peer.receive_all().empty());  // its end: now the file must be there
  CHECK(difference(read_file(folder / "file"), content) == "");
  check_end(receiving, exited(0));
  CHECK(receiving.out().starts_with("received 5000000 bytes from 127.0.0.1:"));
  CHECK(folder.size() == 1);
}

TEST_CASE("recv-file -o: a new file has mode 0666 less the umask, a replaced one keeps its own") {
  const Folder folder;
  const auto mask = umask(027);
  receive({"-o", folder / "new"}, "content");
  umask(mask);
  CHECK(mode_of(folder / "new") == 0640);
  write_file(folder / "old", "old");
  REQUIRE(chmod((folder / "old").c_str(), 0751) == 0);
  receive({"-o", folder / "old"}, "new");
  CHECK(mode_of(folder / "old") == 0751);
  CHECK(read_file(folder / "old") == "new");
}

TEST_CASE("recv-file -o: a symbolic link stays, what it points to is replaced") {
  const Folder folder;
  fs::create_directory(folder / "elsewhere");
  write_file(folder / "elsewhere/file", "old");
  fs::create_symlink("elsewhere/file", folder / "link");
  fs::create_symlink("elsewhere/missing", folder / "dangling");
  receive({"-o", folder / "link"}, "new");
  receive({"-o", folder / "dangling"}, "made");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_file(folder / "elsewhere/file") == "new");
  CHECK(fs::is_symlink(folder / "dangling"));
  CHECK(read_file(folder / "elsewhere/missing") == "made");
}

TEST_CASE("recv-file --no-clobber: an existing file is refused with 11, and one that appears meanwhile too") {
  const Folder folder;
  write_file(folder / "file", "precious");
  Process refusing(sockx({"recv-file", "--no-clobber", "-o", folder / "file", "--port-file", folder / "port",
                          "127.0.0.1", "0"}));  // nobody connects: it does not wait for that
  check_failure(refusing, 11, "File exists");
  CHECK_FALSE(fs::exists(folder / "port"));

  Process overtaken(sockx({"recv-file", "--no-clobber", "-o", folder / "other", "127.0.0.1", "0"}));
  auto second = Peer::connect(port_of(overtaken));
  second.send("content");
  eventually("the temporary file", [&] { return folder.size() == 2; });
  write_file(folder / "other", "precious");
  second.finish();
  CHECK(second.ends_by_reset());
  check_failure(overtaken, 11, "File exists");
  for (const auto* name : {"file", "other"}) CHECK(read_file(folder / name) == "precious");
  CHECK(folder.size() == 2);
  receive({"--no-clobber", "-o", folder / "new"}, "content");
  CHECK(read_file(folder / "new") == "content");
}

TEST_CASE("recv-file -o: a fifo and a device are written in place") {
  const Folder folder;
  const auto fifo = folder / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  Process reader({"cat", fifo});
  const auto content = noise(1'000'000);
  receive({"-o", fifo}, content);
  check_end(reader, exited(0));
  CHECK(difference(reader.out(), content) == "");
  CHECK(fs::is_fifo(fifo));
  receive({"-o", "/dev/null"}, content);
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("recv-file: stdout by default, and -o - when it is meant") {
  const auto content = noise(2'000'000);
  CHECK(difference(receive({}, content), content) == "");
  CHECK(difference(receive({"-o", "-"}, content), content) == "");
  CHECK(difference(receive({"--method", "read-write"}, content), content) == "");
  CHECK(difference(receive({"--method", "splice"}, content), content) == "");
}

TEST_CASE("recv-file: a terminal on stdout is refused, unless -o - says so") {
  int master = -1, slave = -1;
  REQUIRE(openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
  const UniqueFd screen(master), tty(slave);
  Process refusing(sockx({"recv-file", "127.0.0.1", "0"}), {Stdio::null(), Stdio::given(tty.get())});
  check_failure(refusing, 2, "standard output is a terminal");
  Process meant(sockx({"recv-file", "-o", "-", "127.0.0.1", "0"}), {Stdio::null(), Stdio::given(tty.get())});
  auto peer = Peer::connect(port_of(meant));
  peer.send("shown");
  peer.finish();
  check_end(meant, exited(0));
  char shown[5];
  CHECK(read(screen.get(), shown, sizeof shown) == 5);
  CHECK(std::string(shown, 5) == "shown");
}

TEST_CASE("recv-file --discard counts, and --size and --max-size are content with what fits") {
  CHECK(receive({"--discard"}, noise(3'000'000)).starts_with("received 3000000 bytes from 127.0.0.1:"));
  receive({"--discard", "--size", "1000"}, noise(1000));
  receive({"--discard", "--max-size", "1000"}, noise(1000));
  receive({"--discard", "--max-size", "1000"}, noise(999));
  receive({"--discard", "--size", "0"}, "");
  receive({"--discard", "--size", "1000", "--max-size", "1Ki"}, noise(1000));
}

TEST_CASE("recv-file: a --size that is more than --max-size is a usage error") {
  Process receiving(sockx({"recv-file", "--discard", "--size", "10G", "--max-size", "1G", "127.0.0.1", "0"}));
  check_failure(receiving, 2,
                "--size 10000000000: that is more than --max-size 1000000000: leave one of them out");
}

TEST_CASE("recv-file: a sender that never ends is told of, and that it had not ended too") {
  Process receiving(sockx({"recv-file", "--discard", "127.0.0.1", "0"}));
  auto peer = Peer::connect(port_of(receiving));
  peer.send("12345");
  const auto warning = receiving.err_line("warning");
  CHECK(contains(warning, " for 2 s: waiting for more, or for its end (nc needs -N to end"));
  receiving.signal(SIGUSR1);
  CHECK(contains(receiving.err_line("waiting for more from 127.0.0.1:"), ", or for its end: 5 bytes"));
  receiving.signal(SIGINT);
  check_end(receiving, killed_by(SIGINT));
  CHECK(receiving.out().starts_with("received 5 bytes from 127.0.0.1:"));
  CHECK(receiving.out().ends_with(", incomplete: the sender had not ended\n"));
}

TEST_CASE("recv-file --size: when all is there and the sender does not end, that is what is said") {
  Process receiving(sockx({"recv-file", "--discard", "--size", "5", "127.0.0.1", "0"}));
  auto peer = Peer::connect(port_of(receiving));
  peer.send("12345");
  CHECK(contains(receiving.err_line("warning"), "all bytes have come from "));
  peer.finish();
  check_end(receiving, exited(0));
  CHECK(lines_of(receiving.err()).size() == 1);
}

TEST_CASE("recv-file: an incomplete total says that the sender had not ended only where that is so") {
  Process receiving(sockx({"recv-file", "--discard", "127.0.0.1", "0"}));
  auto peer = Peer::connect(port_of(receiving));
  peer.send("12345");
  peer.reset();
  check_end(receiving, exited(7));
  CHECK(receiving.out().ends_with(", incomplete\n"));
}

TEST_CASE("recv-file: a standard output that takes nothing is a reset for the sender") {
  const Folder folder;
  for (const auto& out :
       {Stdio::file(folder.path(), O_RDONLY), Stdio::file("/dev/full", O_WRONLY), Stdio::closed()}) {
    Process receiving(sockx({"recv-file", "127.0.0.1", "0"}), {Stdio::null(), out});
    auto peer = Peer::connect(port_of(receiving));
    peer.send("content");
    peer.finish();
    CHECK(peer.ends_by_reset());
    check_end(receiving, exited(11));
    CHECK(contains(receiving.err(), "sockx: write stdout: "));
  }
}

TEST_CASE("recv-file: an empty file is a file") {
  const Folder folder;
  receive({"-o", folder / "file"}, "");
  CHECK(fs::exists(folder / "file"));
  CHECK(read_file(folder / "file").empty());
}

TEST_CASE("recv-file: a sender that is killed never looks like the end of a file") {
  const Folder folder;
  Process receiving(sockx({"recv-file", "-o", folder / "file", "127.0.0.1", "0"}));
  Process sending(sockx({"send-file", "/dev/zero", "127.0.0.1", port_of(receiving)}));
  eventually("bytes in the temporary file", [&] {
    for (const auto& entry : fs::directory_iterator(folder.path()))
      if (entry.file_size() > 0) return true;
    return false;
  });
  sending.signal(SIGKILL);
  check_end(receiving, exited(7));
  CHECK(contains(receiving.err(), "sockx: "));
  CHECK(contains(receiving.err(), "Connection reset by peer"));
  CHECK(folder.size() == 0);
}

TEST_CASE("recv-file --keep-open: 8 senders at once, each its own file, and one that fails disturbs nobody") {
  const Folder folder;
  Process receiving(sockx({"recv-file", "--keep-open", "-o", folder / "out-%n", "127.0.0.1", "0"}));
  const auto port = port_of(receiving);
  auto failing = Peer::connect(port);  // the first, so its file would be out-1
  failing.send("never to be finished");
  std::list<Process> senders;
  std::vector<std::string> contents;
  for (std::size_t i = 0; i < 8; ++i) {
    contents.push_back(noise(1'000'000 + i, i));
    const auto file = write_file(folder / ("in-" + std::to_string(i)), contents.back());
    senders.emplace_back(sockx({"send-file", file, "127.0.0.1", port}));
  }
  failing.reset();
  for (auto& sender : senders) check_end(sender, exited(0));
  for (std::size_t i = 0; i < 9; ++i) receiving.out_line("received");
  std::vector<std::string> received;
  for (std::size_t number = 1; number <= 9; ++number) {
    const auto path = folder / ("out-" + std::to_string(number));
    if (number == 1)
      CHECK_FALSE(fs::exists(path));
    else
      received.push_back(read_file(path));
  }
  std::sort(received.begin(), received.end());
  std::sort(contents.begin(), contents.end());
  CHECK((received == contents));
  CHECK(contains(receiving.err(), "Connection reset by peer"));
  CHECK(receiving.is_running());
  receiving.signal(SIGTERM);
  check_end(receiving, killed_by(SIGTERM));
}

TEST_CASE("recv-file --keep-open: after 50 transfers no descriptor more is open than before") {
  Process receiving(sockx({"recv-file", "--keep-open", "--discard", "127.0.0.1", "0"}));
  const auto port = port_of(receiving);
  const auto idle = receiving.open_descriptors();
  const auto transfer = [&] {
    auto peer = Peer::connect(port);
    peer.send("12345");
    peer.finish();
    CHECK(peer.receive_all().empty());
    receiving.out_line("received 5 bytes");
  };
  for (int i = 0; i < 50; ++i) transfer();
  eventually("as many descriptors as before", [&] { return receiving.open_descriptors() == idle; });
  CHECK(receiving.err() == "");
}

TEST_CASE("recv-file --keep-open: when descriptors run out new senders wait, and no transfer is harmed") {
  const Folder folder;
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--fsync"}, {"--method", "splice"}}) {
    const auto words = std::vector<std::string>{"recv-file", "-k", "-o", folder / "file-%n"} + more +
                       std::vector<std::string>{"127.0.0.1", "0"};
    Process receiving(std::vector<std::string>{"sh", "-c", "ulimit -n 40; exec \"$@\"", "sh"} + sockx(words));
    const auto port = port_of(receiving);
    constexpr std::size_t senders = 60;
    std::vector<Peer> peers;
    std::vector<std::string> contents;
    for (std::size_t i = 0; i < senders; ++i) {
      contents.push_back(noise(200'000, i));
      peers.push_back(Peer::connect(port));
      peers.back().send(contents.back().substr(0, 1000));
    }
    CHECK(contains(receiving.err_line("new connections wait"), "Too many open files"));
    for (std::size_t i = 0; i < senders; ++i) {
      CAPTURE(i);
      peers[i].send(contents[i].substr(1000));
      peers[i].finish();
      CHECK(peers[i].receive_all().empty());
      CHECK(difference(read_file(folder / ("file-" + std::to_string(i + 1))), contents[i]) == "");
    }
    CHECK(folder.size() == senders);
    receiving.signal(SIGTERM);
    check_end(receiving, killed_by(SIGTERM));
    CHECK(lines_of(receiving.err()).size() == 1);
  }
}

TEST_CASE("recv-file --keep-open: a shortage while nothing is being received is told once") {
  // None but the standard streams is inherited: there is room for a listener, and not for a connection.
  const std::string limit = "exec 3>&- 4>&- 5>&- 6>&- 7>&-; ulimit -n 8; exec \"$@\"";
  Process receiving(std::vector<std::string>{"sh", "-c", limit, "sh"} +
                    sockx({"recv-file", "-k", "--discard", "127.0.0.1", "0"}));
  const auto waiting = Peer::connect(port_of(receiving));
  receiving.err_line("new connections wait");
  const auto enough = waits_of(receiving.pid()) + 5;
  eventually("some more attempts", [&] { return waits_of(receiving.pid()) >= enough; });
  receiving.signal(SIGTERM);
  check_end(receiving, killed_by(SIGTERM));
  const auto lines = lines_of(receiving.err());
  CHECK(std::ranges::count_if(lines,
                              [](const auto& line) { return contains(line, "new connections wait"); }) == 1);
}

TEST_CASE("recv-file --keep-open: it may open as many files as the hard limit allows") {
  Process receiving({"sh", "-c", "ulimit -S -n 100; exec \"$@\"", "sh", sockx_binary(), "recv-file", "-k",
                     "--discard", "127.0.0.1", "0"});
  port_of(receiving);
  rlimit limit{};
  REQUIRE(prlimit(receiving.pid(), RLIMIT_NOFILE, nullptr, &limit) == 0);
  CHECK(limit.rlim_cur == limit.rlim_max);
}

TEST_CASE("recv-file --keep-open: the pattern knows the peer and the time") {
  const Folder folder;
  Process receiving(sockx({"recv-file", "--keep-open", "-o", folder / "%n-%h-%t-100%%", "127.0.0.1", "0"}));
  auto peer = Peer::connect(port_of(receiving));
  peer.finish();
  CHECK(peer.receive_all().empty());
  REQUIRE(folder.size() == 1);
  const auto path = fs::directory_iterator(folder.path())->path();
  CHECK(receiving.out_line("received 0 bytes from 127.0.0.1:").ends_with(", into " + path.string()));
  const auto name = path.filename().string();
  CHECK(name.starts_with("1-127.0.0.1-20"));
  CHECK(name.ends_with("-100%"));
}

TEST_CASE(
    "recv-file --keep-open: one that connects late is served, and quiet alone ends it at --accept-timeout") {
  Process receiving(sockx({"recv-file", "--discard", "-k", "--accept-timeout", "300ms", "127.0.0.1", "0"}));
  auto sender = Peer::connect(port_of(receiving));
  CHECK(receiving.is_running());
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begun < 600ms) sender.send("still here");
  sender.finish();
  receiving.out_line("received");
  check_failure(receiving, 5, "timed out");
}

TEST_CASE("recv-file: a fifo is waited for without blocking the run") {
  const Folder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  Process receiving(sockx({"recv-file", "-o", folder / "fifo", "--deadline", "2s", "127.0.0.1", "0"}));
  auto sender = Peer::connect(port_of(receiving));
  check_failure(receiving, 5, "nobody reads it in time");
}

TEST_CASE(
    "recv-file: while nobody reads the fifo, --idle-timeout counts, and a sender that dies is noticed") {
  const Folder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  Process idle(sockx({"recv-file", "-o", folder / "fifo", "--idle-timeout", "200ms", "127.0.0.1", "0"}));
  auto silent = Peer::connect(port_of(idle));
  check_failure(idle, 5);
  Process known(sockx(
      {"recv-file", "--size", "7", "-o", folder / "fifo", "--idle-timeout", "200ms", "127.0.0.1", "0"}));
  auto as_silent = Peer::connect(port_of(known));
  check_failure(known, 9, "0 of 7 bytes arrived: ");
  Process left(sockx({"recv-file", "-o", folder / "fifo", "127.0.0.1", "0"}));
  auto dying = Peer::connect(port_of(left));
  dying.send("something");
  dying.reset();
  check_failure(left, 7, "Connection reset by peer");
}

TEST_CASE("recv-file -o /dev/stdout: where that is the end of a log, the log keeps what it held") {
  const Folder folder;
  for (const auto* name : {"/dev/stdout", "-"}) {
    write_file(folder / "log", "before\n");
    Process receiving(sockx({"recv-file", "-o", name, "127.0.0.1", "0"}),
                      {Stdio::null(), Stdio::file(folder / "log", O_WRONLY | O_APPEND)});
    auto peer = Peer::connect(port_of(receiving));
    peer.send("content");
    peer.finish();
    check_end(receiving, exited(0));
    CHECK(read_file(folder / "log") == "before\ncontent");
    CHECK(folder.size() == 1);
  }
}

TEST_CASE("recv-file FILE PORT: the line says that the file goes behind -o") {
  Process path(sockx({"recv-file", "in/disk.img", "9000"}));
  check_failure(path, 2, "'in/disk.img': to receive into a file say -o in/disk.img 9000");
  Process name(sockx({"recv-file", "nosuch.invalid", "9000"}));
  check_failure(name, 3, "; to receive into a file say -o nosuch.invalid 9000");
  Process given(sockx({"recv-file", "-o", "-", "nosuch.invalid", "9000"}));
  check_failure(given, 3, "getaddrinfo nosuch.invalid");
  CHECK_FALSE(contains(given.err(), "-o nosuch"));
}

}  // namespace

}  // namespace test
