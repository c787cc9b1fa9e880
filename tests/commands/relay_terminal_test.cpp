// sockx relay with ends that are terminals: pty, pty:LINK, pty+sh:COMMAND, tty:DEVICE.
#include <signal.h>

#include <cstring>
#include <memory>

#include "../support/descriptors.hpp"
#include "../support/events.hpp"
#include "../support/peer.hpp"
#include "../support/terminal.hpp"

namespace test {

namespace {

/// Standard input and output are the terminal.
Process::Options on(const Terminal& user) { return {user.stream(), user.stream()}; }

bool is_same(const termios& one, const termios& other) {
  return one.c_iflag == other.c_iflag && one.c_oflag == other.c_oflag && one.c_cflag == other.c_cflag &&
         one.c_lflag == other.c_lflag && std::memcmp(one.c_cc, other.c_cc, sizeof one.c_cc) == 0;
}

std::string children_of(const Process& process) {
  const auto pid = std::to_string(process.pid());
  return read_file("/proc/" + pid + "/task/" + pid + "/children");
}

/// The process number of its only child.
pid_t child_of(const Process& process) {
  std::string children;
  eventually("a child", [&] { return !(children = children_of(process)).empty(); });
  return std::stoi(children);
}

/// A terminal that a program has made, opened by another program.
class Visitor {
 public:
  explicit Visitor(const std::string& path) : fd_(open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    Peer::check(fd_.get(), path.c_str());
  }
  void say(const std::string& bytes) { put(fd_.get(), bytes); }
  std::string hear(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const auto more = read(fd_.get(), bytes.data() + got, size - got);
      Peer::check(more, "read");
      got += static_cast<std::size_t>(more);
    }
    return bytes;
  }
  bool is_raw() const {
    termios settings{};
    Peer::check(tcgetattr(fd_.get(), &settings), "tcgetattr");
    return (settings.c_lflag & (ICANON | ECHO | ISIG)) == 0 && (settings.c_oflag & OPOST) == 0;
  }

 private:
  UniqueFd fd_;
};

/// The path in "terminal PATH" or "terminal PATH, linked at LINK", of a relay with -v.
std::string pty_of(Process& relay) {
  const auto line = relay.err_line("terminal /dev/pts/");
  const auto begin = line.find("/dev/pts/");
  return line.substr(begin, line.find(',', begin) - begin);
}

void wait_for_link(const std::string& link) {
  eventually(link, [&] { return fs::is_symlink(link); });
}

}  // namespace

TEST_CASE(
    "relay - pty+sh: the command has a terminal of the user's size, which follows, and gets every key") {
  Terminal user(100);
  const auto before = user.settings();
  Process relay(sockx({"relay", "-",
                       "pty+sh:trap 'stty size' WINCH; tty; stty size; echo ready; while :; do read word && "
                       "echo \"got <$word>\"; done"}),
                on(user));
  CHECK(contains(user.shown_with("ready\r\n"), "24 100\r\n"));
  CHECK(contains(user.shown(), "/dev/pts/"));
  CHECK_FALSE(contains(user.shown(), user.path() + "\r\n"));
  CHECK(user.is_raw());
  user.resize(70);
  relay.signal(SIGWINCH);
  user.shown_with("24 70\r\n");
  user.type("a word\r");
  user.shown_with("got <a word>\r\n");
  user.type("\x03");  // to the foreground of the command's terminal
  check_failure(relay, 1, "sh was killed by signal 2 (Interrupt)");
  CHECK(is_same(user.settings(), before));
}

TEST_CASE("relay - pty+sh: stopped by ^Z and continued, a command goes on under its shell") {
  if (is_missing("bash")) return;
  Terminal user;
  Process relay(sockx({"relay", "-", "pty+sh:TERM=dumb exec bash --norc --noprofile -i"}), on(user));
  user.type("sh -c 'echo begun; exec cat'\r");
  user.shown_with("begun\r\n");
  user.type("to and fro\r");
  user.shown_with("to and fro\r\nto and fro\r\n");
  user.type("\x1a");
  user.shown_with("Stopped");
  user.type("echo in the sh''ell; fg\r");
  user.shown_with("in the shell\r\nsh -c 'echo begun; exec cat'\r\n");
  user.forget();
  user.type("again\r");
  user.shown_with("again\r\nagain\r\n");
  user.type("\x04");
  user.type("exit 0\r");
  check_end(relay, exited(0));
  CHECK_FALSE(relay.left_others());
}

TEST_CASE("relay - pty+sh: the user's terminal is restored and no child is left on every way out") {
  struct Row {
    int signal;     // to relay, or 0
    bool to_child;  // instead
    End end;
  };
  for (const auto& [number, to_child, end] :
       {Row{SIGTERM, false, killed_by(SIGTERM)}, Row{SIGINT, false, killed_by(SIGINT)},
        Row{SIGHUP, false, killed_by(SIGHUP)}, Row{SIGQUIT, false, killed_by(SIGQUIT)},
        Row{SIGUSR1, false, killed_by(SIGUSR1)}, Row{SIGKILL, true, exited(1)},
        Row{SIGTERM, true, exited(1)}}) {
    CAPTURE(number);
    CAPTURE(to_child);
    Terminal user;
    const auto before = user.settings();
    Process relay(sockx({"relay", "-", "pty+sh:echo ready; exec sleep 1000"}), on(user));
    user.shown_with("ready");
    CHECK(user.is_raw());
    if (to_child)
      kill(child_of(relay), number);
    else
      relay.signal(number);
    CHECK(relay.wait() == end);
    CHECK(is_same(user.settings(), before));
    CHECK_FALSE(relay.left_others());
  }
}

TEST_CASE("relay - pty+sh: after SIGSTOP and SIGCONT the terminal is raw again and has its new size") {
  Terminal user;
  const auto usual = user.settings();
  Process relay(
      sockx({"relay", "-", "pty+sh:trap 'stty size' WINCH; echo ready; while :; do read word; done"}),
      on(user));
  user.shown_with("ready");
  relay.signal(SIGSTOP);
  eventually("it has stopped",
             [&] { return contains(read_file("/proc/" + std::to_string(relay.pid()) + "/stat"), ") T "); });
  const UniqueFd shell(open(user.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(tcsetattr(shell.get(), TCSANOW, &usual) == 0);
  user.resize(61);
  relay.signal(SIGCONT);
  user.shown_with("24 61\r\n");
  CHECK(user.is_raw());
}

TEST_CASE("relay: a terminal at the standard streams stays as it is when the other end is no pty+sh") {
  Terminal user;
  const auto before = user.settings();
  Process relay(sockx({"relay", "-", "sh:echo ready; cat"}), on(user));
  user.shown_with("ready");
  CHECK(is_same(user.settings(), before));
  relay.signal(SIGTERM);
  CHECK(relay.wait() == killed_by(SIGTERM));
}

TEST_CASE("relay - pty+sh: without a user the window is 80x24, and input from a pipe ends with a grace") {
  Process relay(sockx({"relay", "--eof-timeout", "30s", "-", "pty+sh:stty size; read word; echo got $word"}),
                {Stdio::pipe()});
  relay.feed("something\n");
  check_end(relay, exited(0));
  CHECK(contains(relay.out(), "24 80\r\n"));
  CHECK(contains(relay.out(), "got something\r\n"));
  CHECK(relay.err() == "");

  Process endless(sockx({"relay", "--eof-timeout", "50ms", "-", "pty+sh:echo ready; exec sleep 1000"}));
  check_end(endless, exited(0));
  CHECK(contains(endless.err(),
                 "the terminal of sh has not ended within 0.05 s after stdin did, and is hung up"));
  CHECK_FALSE(endless.left_others());
}

TEST_CASE("relay - pty+sh: 1 MB that a command says is whole when it ends, also for a slow reader") {
  const Folder folder;
  std::string content;
  while (content.size() < 1'000'000) content += "0123456789abcdef0123456789abcdef\n";
  write_file(folder / "content", content);
  Process relay(sockx({"relay", "--until", "b", "-", "pty+sh:stty raw; cat " + folder / "content"}));
  check_end(relay, exited(0));
  CHECK(difference(relay.out(), content) == "");
}

TEST_CASE("relay -k listen: pty+sh: each client has a terminal, and when it leaves the command is hung up") {
  const Folder folder;
  const auto path = folder / "socket";
  Process server(
      sockx({"relay", "-k", "--eof-timeout", "100ms", "listen:unix:" + path,
             "pty+sh:echo $SOCKX_PROTO $(tty) ready; while read word; do echo \"got <$word>\"; done"}));
  wait_for_listener(path);
  const auto descriptors = server.open_descriptors();
  {
    Process first(sockx({"relay", "-", "unix:" + path}), {Stdio::pipe()});
    Process second(sockx({"relay", "-", "unix:" + path}), {Stdio::pipe()});
    const auto one = first.out_line("ready"), other = second.out_line("ready");
    CHECK(one.starts_with("unix /dev/pts/"));
    CHECK(one != other);
    first.write("one\n");
    second.write("other\n");
    first.out_line("got <one>");
    second.out_line("got <other>");
    first.close_input();
    check_end(first, exited(0));
    second.signal(SIGKILL);
    second.wait();
  }
  eventually("the commands are gone", [&] { return children_of(server).empty(); });
  eventually("the descriptors are closed", [&] { return server.open_descriptors() == descriptors; });
  server.signal(SIGTERM);
  CHECK(server.wait() == killed_by(SIGTERM));
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("relay: the status of a command on a terminal other than 0 is 1 with a line") {
  Process relay(sockx({"relay", "-", "pty+sh:exit 3"}), {Stdio::pipe()});
  check_failure(relay, 1, "sh exited with status 3");
}

TEST_CASE(
    "relay pty: the path of a raw terminal is told, and its end comes when nobody has it open any more") {
  Process relay(sockx({"--json", "relay", "-", "pty"}), {Stdio::pipe()});
  const auto event = json::parse(relay.err_line("\"pty\""));
  CHECK_FALSE(event.contains("link"));
  {
    Visitor visitor(event.at("path").get<std::string>());
    CHECK(visitor.is_raw());
    relay.write("to\x03 it\r");
    CHECK(visitor.hear(7) == "to\x03 it\r");
    visitor.say("from it\n");
    relay.out_line("from it");
  }
  check_end(relay, exited(0));
  CHECK(relay.out() == "from it\n");
}

TEST_CASE("relay pty:LINK: one program after another opens it, and finds what was sent meanwhile") {
  const Folder folder;
  const auto link = folder / "link";
  Process relay(sockx({"-v", "relay", "-", "pty:" + link}), {Stdio::pipe()});
  relay.write("early ");
  const auto path = pty_of(relay);
  wait_for_link(link);
  CHECK(fs::read_symlink(link).string() == path);
  {
    Visitor visitor(link);
    CHECK(visitor.hear(6) == "early ");
    visitor.say("the first\n");
  }
  relay.out_line("the first");
  relay.write("meanwhile ");
  {
    Visitor visitor(link);
    CHECK(visitor.hear(10) == "meanwhile ");
    visitor.say("the second\n");
  }
  relay.out_line("the second");
  relay.signal(SIGTERM);
  CHECK(relay.wait() == killed_by(SIGTERM));
  CHECK_FALSE(fs::is_symlink(link));
}

TEST_CASE("relay pty:LINK: the link is removed on every way out") {
  const Folder folder;
  const auto link = folder / "link";
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM}) {
    CAPTURE(number);
    Process relay(sockx({"relay", "-", "pty:" + link}), {Stdio::pipe()});
    wait_for_link(link);
    relay.signal(number);
    CHECK(relay.wait() == killed_by(number));
    CHECK_FALSE(fs::is_symlink(link));
  }
  {
    Process relay(sockx({"relay", "--eof-timeout", "10ms", "-", "pty:" + link}), {Stdio::pipe()});
    wait_for_link(link);
    relay.close_input();
    check_end(relay, exited(0));
    CHECK_FALSE(fs::is_symlink(link));
  }
  Process failing(sockx({"relay", "pty:" + link, "sh:exit 3"}));
  check_failure(failing, 1, "sh exited with status 3");
  CHECK(folder.size() == 0);
}

TEST_CASE("relay pty:LINK: what is there already is not replaced, and what has come in its place stays") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  const auto link = folder / "link", dead = folder / "dead";
  fs::create_directory(folder / "folder");
  fs::create_symlink("nowhere", dead);
  for (const auto& path : {file, folder / "folder", dead}) {
    Process relay(sockx({"relay", "-", "pty:" + path}), {Stdio::pipe()});
    check_failure(relay, 8, "link " + path + ": it exists already, and is not replaced");
  }
  CHECK(read_file(file) == "content");
  CHECK(fs::read_symlink(dead).string() == "nowhere");
  Process nowhere(sockx({"relay", "-", "pty:" + folder / "none/link"}), {Stdio::pipe()});
  check_failure(nowhere, 8, "No such file or directory");

  Process relay(sockx({"relay", "-", "pty:" + link}), {Stdio::pipe()});
  wait_for_link(link);
  fs::remove(link);
  write_file(link, "another's");
  relay.signal(SIGTERM);
  relay.wait();
  CHECK(read_file(link) == "another's");
}

TEST_CASE("relay pty:A pty:B: two programs talk as over a cable") {
  const Folder folder;
  const auto a = folder / "a", b = folder / "b";
  Process relay(sockx({"relay", "pty:" + a, "pty:" + b}));
  wait_for_link(a);
  wait_for_link(b);
  {
    Visitor left(a), right(b);
    left.say("from a");
    CHECK(right.hear(6) == "from a");
    right.say("from b");
    CHECK(left.hear(6) == "from b");
  }
  relay.signal(SIGINT);
  CHECK(relay.wait() == killed_by(SIGINT));
  CHECK(folder.size() == 0);
}

TEST_CASE("relay tty: the line has the speed and mode, carries every byte, and is restored at the end") {
  Terminal line;
  const auto before = line.settings();
  const auto word = "tty:" + line.path() + ",speed=115200,mode=8N1";
  Process relay(sockx({"relay", "--eof-timeout", "10ms", "-", word}), {Stdio::pipe()});
  relay.write("AT\r\x03\x11\x13\n");
  line.shown_with("AT\r\x03\x11\x13\n");
  const auto now = line.settings();
  CHECK(cfgetospeed(&now) == B115200);
  CHECK((now.c_cflag & (CSIZE | CLOCAL | CREAD | CSTOPB | PARENB)) == (CS8 | CLOCAL | CREAD));
  CHECK((now.c_iflag & (IXON | IXOFF | ICRNL)) == 0);
  CHECK(line.is_raw());
  line.type("OK\r\x03\n");
  relay.out_line("OK\r\x03");
  relay.close_input();
  check_end(relay, exited(0));
  CHECK(relay.out() == "OK\r\x03\n");
  CHECK(is_same(line.settings(), before));
}

TEST_CASE("relay tty: the line is restored on every way out, also when the other end is killed") {
  Terminal line;
  const auto before = line.settings();
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    CAPTURE(number);
    Process relay(sockx({"relay", "-", "tty:" + line.path() + ",speed=9600"}), {Stdio::pipe()});
    eventually("the line is raw", [&] { return line.is_raw(); });
    relay.signal(number);
    CHECK(relay.wait() == killed_by(number));
    CHECK(is_same(line.settings(), before));
  }
  Process relay(sockx({"relay", "tty:" + line.path(), "sh:exec sleep 1000"}));
  eventually("the line is raw", [&] { return line.is_raw(); });
  kill(child_of(relay), SIGKILL);
  check_failure(relay, 1, "sh was killed by signal 9 (Killed)");
  CHECK(is_same(line.settings(), before));
}

TEST_CASE("relay tty: a line that another one has is refused, and stays as it is") {
  Terminal line;
  Process first(sockx({"relay", "-", "tty:" + line.path() + ",speed=9600"}), {Stdio::pipe()});
  eventually("the line is raw", [&] { return line.is_raw(); });
  Process second(sockx({"relay", "-", "tty:" + line.path() + ",speed=1200"}), {Stdio::pipe()});
  check_failure(second, 8, "open " + line.path() + ": another program has locked it");
  const auto now = line.settings();
  CHECK(cfgetospeed(&now) == B9600);
}

TEST_CASE("relay tty: the hang-up of the line is its end") {
  auto line = std::make_unique<Terminal>();
  Process relay(sockx({"relay", "-", "tty:" + line->path()}), {Stdio::pipe()});
  eventually("the line is raw", [&] { return line->is_raw(); });
  line.reset();
  check_end(relay, exited(0));
}

TEST_CASE("relay: wrong words for terminals are quoted, with what would be right") {
  const Terminal line;
  const auto device = "tty:" + line.path();
  struct Row {
    std::string word, said;
    int status = 2;
  };
  for (const auto& [word, said, status] :
       {Row{"pty:", "'pty:': the path of the link is missing: say pty:LINK, or pty for none"},
        Row{"pty+sh:", "'pty+sh:': the command is missing: say pty+sh:COMMAND"},
        Row{"tty:", "'tty:': the device is missing: say tty:DEVICE, like tty:/dev/ttyS0"},
        Row{"tty:,speed=9600", "'tty:': the device is missing"},
        Row{device + ",speed=fast", "speed='fast': say a number from 1 to 100000000"},
        Row{device + ",speed=0", "speed='0'"},
        Row{device + ",mode=9N1", "mode='9N1': say data bits (5 to 8), parity"},
        Row{device + ",mode=", "mode='': say data bits"},
        Row{device + ",mode=7E1", "'mode=7E1': " + line.path() + " does not support it"},
        Row{device + ",flow=hard", "flow='hard': say none, rtscts or xonxoff"},
        Row{device + ",speed=9600,speed=1200", "speed is given more than once"},
        Row{"tty:/dev/null", "'tty:/dev/null': /dev/null is no terminal"},
        Row{"tty:/dev/none", "open /dev/none: No such file or directory", 8}}) {
    CAPTURE(word);
    Process relay(sockx({"relay", "-", word}), {Stdio::pipe()});
    check_failure(relay, status, said);
  }
  Process server(sockx({"relay", "-k", "listen:127.0.0.1:0", "pty:/tmp/link"}));
  check_failure(server, 2,
                "'pty:/tmp/link': with --keep-open each client has a terminal of its own: say pty");
}

}  // namespace test
