// Which system calls move the payload: seen by strace(1), not by what the program says of itself.
#include <cctype>
#include <map>
#include <thread>

#include "../support/relay_ends.hpp"

namespace test {

namespace {

constexpr std::size_t content_size = 8U << 20U;

/// What the calls of a trace have moved.
struct Moved {
  std::size_t by_sendfile = 0, by_splice = 0, dropped = 0, copied = 0;
};

/// Does what `options` say under strace; `then` is told the port once there is one.
class Traced {
 public:
  Traced(const Folder& folder, const std::string& name, std::vector<std::string> words,
         Process::Options options)
      : log_(folder / (name + ".strace")),
        process_(under_strace(sockx(std::move(words))), without_leak_check(std::move(options))) {}
  Process& process() { return process_; }

  Moved moved() {
    check_end(process_, exited(0));
    const std::vector<std::string> copying{"read", "write", "recvfrom", "sendto", "recvmsg", "sendmsg"};
    Moved moved;
    for (const auto& line : whole_calls()) {  // PID NAME(ARGUMENTS)   = RESULT
      const auto open = line.find('('), equals = line.rfind("= ");
      if (open == std::string::npos || equals == std::string::npos || !std::isdigit(line[equals + 2]))
        continue;
      const auto before = line.rfind(' ', open);
      const auto name = line.substr(before + 1, open - before - 1);
      const auto bytes = std::stoul(line.substr(equals + 2));
      if (name == "sendfile")
        moved.by_sendfile += bytes;
      else if (name == "splice")
        moved.by_splice += bytes;
      else if (name == "recvfrom" && contains(line, ", NULL, ") && contains(line, "MSG_TRUNC"))
        moved.dropped += bytes;
      else if (std::find(copying.begin(), copying.end(), name) != copying.end())
        moved.copied += bytes;
    }
    return moved;
  }

 private:
  /// Where two threads call at the same time, strace cuts a call in two lines.
  std::vector<std::string> whole_calls() const {
    std::vector<std::string> calls;
    std::map<std::string, std::string> begun;  // by the number of the thread
    for (const auto& line : lines_of(read_file(log_))) {
      const auto thread = line.substr(0, line.find(' '));
      const auto cut = line.find(" <unfinished ...>"), resumed = line.find(" resumed>");
      if (cut != std::string::npos)
        begun[thread] = line.substr(0, cut);
      else if (resumed != std::string::npos)
        calls.push_back(begun[thread] + line.substr(resumed + 9));
      else
        calls.push_back(line);
    }
    return calls;
  }
  std::vector<std::string> under_strace(const std::vector<std::string>& words) const {
    return std::vector<std::string>{"strace", "-f", "-s", "0", "-e", "trace=%network,%desc", "-o", log_} +
           words;
  }
  static Process::Options without_leak_check(Process::Options options) {
    options.environment.emplace_back("ASAN_OPTIONS=detect_leaks=0");  // it does not work under ptrace
    return options;
  }
  std::string log_;
  Process process_;
};

/// For start-up files and log lines; a sanitizer reads its own symbols and /proc.
const std::size_t small_change = is_sanitized() ? 1'000'000 : 100'000;

TEST_CASE("send-file moves a file by sendfile, connect and listen move a long one by splice") {
  if (is_missing("strace")) return;
  const Folder folder;
  const auto file = write_file(folder / "file", noise(content_size));
  const auto port_file = folder / "port";
  SUBCASE("send-file") {
    Process receiving(sockx({"recv-file", "--discard", "127.0.0.1", "0"}));
    Traced sending(folder, "send", {"send-file", file, "127.0.0.1", port_of(receiving)}, {});
    const auto moved = sending.moved();
    CHECK(moved.by_sendfile == content_size);
    CHECK(moved.copied < small_change);
  }
  SUBCASE("send-file --method read-write, which shows that copies would be seen") {
    Process receiving(sockx({"recv-file", "--discard", "127.0.0.1", "0"}));
    Traced sending(folder, "send",
                   {"send-file", "--method", "read-write", file, "127.0.0.1", port_of(receiving)}, {});
    CHECK(sending.moved().copied >= 2 * content_size);
  }
  SUBCASE("connect < file") {
    Process listening(sockx({"listen", "127.0.0.1", "0"}), {Stdio::null(), Stdio::null()});
    Traced connecting(folder, "connect", {"connect", "127.0.0.1", port_of(listening)}, {Stdio::input(file)});
    const auto moved = connecting.moved();
    CHECK(moved.by_sendfile < content_size / 2);
    CHECK(moved.by_sendfile + moved.by_splice / 2 == content_size);  // into the pipe, and out of it
    CHECK(moved.copied < small_change);
  }
  SUBCASE("listen < file") {
    Traced listening(folder, "listen", {"listen", "--port-file", port_file, "127.0.0.1", "0"},
                     {Stdio::input(file)});
    Process connecting(sockx({"connect", "127.0.0.1", port_in(port_file)}), {Stdio::null(), Stdio::null()});
    const auto moved = listening.moved();
    CHECK(moved.by_sendfile < content_size / 2);
    CHECK(moved.by_sendfile + moved.by_splice / 2 == content_size);
    CHECK(moved.copied < small_change);
    check_end(connecting, exited(0));
  }
}

TEST_CASE(
    "what nobody wants never enters user space: dropped where it is by TCP, spliced from a unix socket") {
  if (is_missing("strace")) return;
  const Folder folder;
  const auto file = write_file(folder / "file", noise(content_size));
  for (const std::string command : {"recv-file --discard", "listen > /dev/null"}) {
    CAPTURE(command);
    const bool receives = contains(command, "recv-file");
    const auto words =
        receives ? std::vector<std::string>{"recv-file", "--discard"} : std::vector<std::string>{"listen"};
    const Process::Options options{Stdio::null(), receives ? Stdio::pipe() : Stdio::null()};
    const auto port_file = folder / (words.front() + ".port");
    Traced tcp(folder, "tcp", words + std::vector<std::string>{"--port-file", port_file, "127.0.0.1", "0"},
               options);
    run(sockx({"send-file", file, "127.0.0.1", port_in(port_file)}));
    const auto over_tcp = tcp.moved();
    CHECK(over_tcp.dropped == content_size);
    CHECK(over_tcp.copied < small_change);

    const auto socket = folder / (words.front() + ".socket");
    Traced local(folder, "unix", words + std::vector<std::string>{"-v", "unix:" + socket}, options);
    local.process().err_line("listening on");
    run(sockx({"send-file", file, "unix:" + socket}));
    const auto over_unix = local.moved();
    CHECK(over_unix.by_splice >= content_size);  // into a pipe, and out of it
    CHECK(over_unix.copied < small_change);
  }
}

TEST_CASE("pipes are spliced, in and out") {
  if (is_missing("strace")) return;
  const Folder folder;
  const auto content = noise(content_size);
  const auto port_file = folder / "port";
  Traced listening(folder, "listen", {"listen", "--port-file", port_file, "127.0.0.1", "0"}, {});
  Traced connecting(folder, "connect", {"connect", "127.0.0.1", port_in(port_file)}, {Stdio::pipe()});
  connecting.process().feed(content);
  const auto sent = connecting.moved(), received = listening.moved();
  CHECK(sent.by_splice == content_size);
  CHECK(sent.copied < small_change);
  CHECK(received.by_splice == content_size);
  CHECK(received.copied < small_change);
  CHECK(difference(listening.process().out(), content) == "");
}

TEST_CASE(
    "relay splices from TCP to TCP, from TCP to a unix socket and from a pipe to TCP, and copies for "
    "--tee-a") {
  if (is_missing("strace")) return;
  const Folder folder;
  const auto content = noise(content_size);
  PeerListener source, target;
  UnixListener local(folder / "s");
  const auto first = "127.0.0.1:" + source.port(), second = "127.0.0.1:" + target.port();
  const auto carry = [&](Traced& relay, Peer far) {
    auto near = source.accept();
    std::thread sending([&] {
      near.send(content);
      near.finish();
    });
    CHECK(difference(far.receive_all(), content) == "");
    sending.join();
    far.finish();
    near.close();
    far.close();
    return relay.moved();
  };
  const auto is_spliced =
      [](const Moved& moved) {  // the first bytes of a stream that may be short are copied
        CHECK(moved.copied < content_size / 8);
        CHECK(moved.by_splice + moved.copied >= 2 * content_size);
      };
  {
    Traced relay(folder, "tcp", {"relay", first, second}, {});
    is_spliced(carry(relay, target.accept()));
  }
  {
    Traced relay(folder, "unix", {"relay", first, local.word()}, {});
    is_spliced(carry(relay, local.accept()));
  }
  {
    Traced relay(folder, "pipe", {"relay", "-", second}, {Stdio::pipe()});
    relay.process().feed(content);
    auto far = target.accept();
    CHECK(difference(far.receive_all(), content) == "");
    far.finish();
    far.close();
    const auto moved = relay.moved();
    CHECK(moved.by_splice == content_size);
    CHECK(moved.copied < small_change);
  }
  Traced relay(folder, "tee", {"relay", "--tee-a", folder / "copy", first, second}, {});
  CHECK(carry(relay, target.accept()).copied >= 2 * content_size);
}

}  // namespace

}  // namespace test
