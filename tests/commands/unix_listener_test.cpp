// --mode and --owner of a unix socket's file, and that the file goes away however the server ends.
#include <signal.h>
#include <sys/stat.h>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

struct stat status_of(const std::string& path) {
  struct stat status {};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return status;
}

/// Who else can give files away, or become another user.
bool is_root() {
  if (geteuid() != 0) MESSAGE("skipped: not root");
  return geteuid() == 0;
}

const std::vector<std::string> echo_server{"listen", "-k", "--handler", "echo"};

TEST_CASE("--mode: the file has it, whatever the umask") {
  for (const auto* mode : {"600", "0666", "777", "0"}) {
    CAPTURE(mode);
    const Folder folder;
    const auto path = folder / "socket";
    Process server(sockx(echo_server) + std::vector<std::string>{"--mode", mode, "unix:" + path});
    wait_for_listener(path);
    CHECK((status_of(path).st_mode & 07777) == std::stoul(mode, nullptr, 8));
  }
}

TEST_CASE("--mode: the file is made with it by bind(2), not given it later") {
  if (is_missing("strace")) return;
  const Folder folder;
  const auto path = folder / "socket";
  Process::Options options;
  options.environment.emplace_back("ASAN_OPTIONS=detect_leaks=0");  // it does not work under ptrace
  Process server(
      {"strace", "-f", "-o", folder / "calls", "-e", "trace=bind,umask,chmod,fchmod,fchmodat,listen",
       sockx_binary(), "listen", "--mode", "660", "unix:" + path, "--accept-timeout", "100ms"},
      options);
  check_end(server, exited(5));
  std::string calls;
  for (const auto& line : lines_of(read_file(folder / "calls"))) {
    std::istringstream words(line);
    std::string pid, call;
    words >> pid;
    std::getline(words >> std::ws, call, '(');
    if (call.find('+') == std::string::npos) calls += call + " ";
  }
  CHECK(calls == "umask bind umask listen ");
}

TEST_CASE("--owner: the file is the user's and the group's") {
  if (!is_root()) return;
  const Folder folder;
  const auto path = folder / "socket";
  struct Row {
    std::string owner;
    uid_t user;
    gid_t group;
  };
  for (const auto& [owner, user, group] :
       {Row{"7", 7, getegid()}, Row{"7:8", 7, 8}, Row{"nobody:0", 65534, 0}, Row{"root:root", 0, 0}}) {
    CAPTURE(owner);
    Process server(sockx(echo_server) + std::vector<std::string>{"--owner", owner, "unix:" + path});
    wait_for_listener(path);
    const auto status = status_of(path);
    CHECK(status.st_uid == user);
    CHECK(status.st_gid == group);
    server.signal(SIGTERM);
    check_end(server, killed_by(SIGTERM));
    CHECK(folder.size() == 0);
  }
}

TEST_CASE("--owner: where the file may not be given away, it is a failure, and none is left") {
  if (!is_root()) return;
  const Folder folder;
  chmod(folder.path().c_str(), 0777);
  Process server(std::vector<std::string>{"setpriv", "--reuid", "65534", "--clear-groups"} +
                 sockx({"listen", "--owner", "7", "unix:" + (folder / "socket")}));
  check_failure(server, 8, "chown unix:");
  CHECK(folder.size() == 0);
}

TEST_CASE("a server's file goes away at a signal, after a drain, and when another fails to take its place") {
  const Folder folder;
  const auto path = folder / "socket";
  const auto words = sockx(echo_server) + std::vector<std::string>{"unix:" + path};
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    Process server(words);
    wait_for_listener(path);
    Process second(words);
    check_failure(second, 8, "Address already in use");
    CHECK(fs::exists(path));
    server.signal(number);
    check_end(server, killed_by(number));
    CHECK(folder.size() == 0);
  }
  Process draining(words + std::vector<std::string>{"--drain-timeout", "20s"});
  wait_for_listener(path);
  Process client(sockx({"connect", "unix:" + path}), {Stdio::pipe()});
  client.write("x\n");
  client.out_line("x");
  draining.signal(SIGTERM);
  eventually("the file is gone", [&] { return !fs::exists(path); });
  client.close_input();
  check_end(client, exited(0));
  check_end(draining, killed_by(SIGTERM));

  Process killed(words);
  wait_for_listener(path);
  killed.signal(SIGKILL);
  check_end(killed, killed_by(SIGKILL));
  CHECK(fs::exists(path));
  Process next(words);
  wait_for_listener(path);
}

TEST_CASE("--mode, --owner: bad words and endpoints without a file are usage errors") {
  struct Row {
    std::vector<std::string> words;
    std::string message;
  };
  for (const auto& [words, message] : {
           Row{{"--mode", "888", "unix:/tmp/x"}, "--mode: '888': a mode is octal digits from 0 to 777"},
           Row{{"--mode", "1777", "unix:/tmp/x"}, "--mode: '1777'"},
           Row{{"--mode", "", "unix:/tmp/x"}, "--mode: ''"},
           Row{{"--mode", "rw", "unix:/tmp/x"}, "--mode: 'rw'"},
           Row{{"--owner", ":0", "unix:/tmp/x"}, "--owner: ':0': an owner is USER or USER:GROUP"},
           Row{{"--owner", "0:", "unix:/tmp/x"}, "--owner: '0:'"},
           Row{{"--owner", "nosuch", "unix:/tmp/x"}, "--owner: 'nosuch': no such user"},
           Row{{"--owner", "0:nosuch", "unix:/tmp/x"}, "--owner: 'nosuch': no such group"},
           Row{{"--owner", "4294967295", "unix:/tmp/x"}, "--owner: '4294967295'"},
           Row{{"--mode", "600", "0"}, "--mode: 'port 0' has no file"},
           Row{{"--mode", "600", "unix:@x"}, "--mode: 'unix:@x' has no file"},
           Row{{"--owner", "0", "fd:7"}, "--owner: 'fd:7' has no file"},
       }) {
    Process process(sockx({"listen"}) + words);
    check_failure(process, 2, message);
  }
}

}  // namespace

}  // namespace test
