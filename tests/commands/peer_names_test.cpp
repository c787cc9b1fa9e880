// The names of peers of unix sockets may have any bytes: what becomes of them in files, programs, events,
// logs.
#include <stddef.h>
#include <sys/un.h>

#include <cstring>

#include "../support/server.hpp"

namespace test {

namespace {

/// A socket that is bound to a name of any bytes in the abstract namespace; the kernel counts NUL as one of
/// them. The name is made our own by the number of this process.
Peer bound_to(const std::string& name, int type = SOCK_STREAM) {
  Peer peer(UniqueFd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0)));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto size = offsetof(sockaddr_un, sun_path) + 1 + name.size();
  Peer::check(bind(peer.fd(), reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)),
              "bind");
  return peer;
}

void connect_to_path(const Peer& peer, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Peer::check(connect(peer.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
}

std::string own(const std::string& name) { return "sockx-" + std::to_string(getpid()) + "-" + name; }

/// Escape sequences, a forged line, C1 in both encodings, a bidirectional control, characters that nobody
/// sees (a zero-width space, a tag, a variation selector), a no-break space, a backslash.
const std::string hostile =
    "\x1b[2J\nsockx: forged\x9b\xc2\x9b\xe2\x80\xae\xe2\x80\x8b\xf3\xa0\x81\x81\xef\xb8\x8f\xc2\xa0\\x00";
const std::string hostile_shown =
    "\\x1b[2J\\x0asockx:"
    "\\x20forged\\x9b\\xc2\\x9b\\xe2\\x80\\xae\\xe2\\x80\\x8b\\xf3\\xa0\\x81\\x81\\xef\\xb8\\x8f"
    "\\xc2\\xa0\\x5cx00";

/// Whether a terminal would obey any of it, or show it as what it is not.
bool is_safe(const std::string& text) {
  return std::ranges::all_of(text,
                             [](char letter) { return letter == '\n' || (letter >= ' ' && letter <= '~'); });
}

TEST_CASE("names of peers: recv-file -o '%h' keeps names with NUL apart, and puts none of them elsewhere") {
  const Folder folder;
  const auto path = folder / "socket";
  Process receiving(sockx({"recv-file", "-k", "-o", folder / "%h.log", "unix:" + path}));
  wait_for_listener(path);
  const auto give = [&](Peer peer, const std::string& content) {
    connect_to_path(peer, path);
    peer.send(content);
    peer.finish();
    peer.receive_all();
    receiving.out_line("received ");
  };
  give(bound_to(own("alice")), "of alice");
  give(bound_to(own("alice.log") + std::string("\0/../mallory", 12)), "of mallory");
  give(Peer(UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))), "of somebody");
  Process named(sockx({"connect", "--source", "unix:unnamed", "unix:" + path}),
                {.in = Stdio::pipe(), .folder = folder.path()});
  named.feed("of one called so");
  receiving.out_line("received ");
  CHECK(read_file(folder / ("@" + own("alice") + ".log")) == "of alice");
  CHECK(read_file(folder / ("@" + own("alice.log") + "\\x00\\x2f..\\x2fmallory.log")) == "of mallory");
  CHECK(read_file(folder / "\\unnamed.log") == "of somebody");
  CHECK(read_file(folder / "unnamed.log") == "of one called so");
}

TEST_CASE("names of peers: a program is told every byte, and so are events and logs") {
  const Folder folder;
  const auto path = folder / "socket", log = folder / "log";
  Server server({"-v", "--log-file", log, "-k", "--exec", "--", "sh", "-c", "printf %s \"$SOCKX_PEER_ADDR\""},
                "unix:" + path);
  for (const auto& [name, shown] :
       {std::pair{own("alice") + std::string("\0mallory", 8), own("alice") + "\\x00mallory"},
        std::pair{own(hostile), own(hostile_shown)}}) {
    auto peer = bound_to(name);
    connect_to_path(peer, path);
    peer.finish();
    CHECK(peer.receive_all() == "@" + shown);
    CHECK(server.event("accepted").at("peer") == "unix:@" + shown);
    CHECK(server.event("closed").at("peer") == "unix:@" + shown);
    CHECK(contains(read_file(log), "from unix:@" + shown));
  }
  server.stop();
  CHECK(is_safe(server.process.out()));
  CHECK(is_safe(server.process.err()));
  CHECK(is_safe(read_file(log)));
}

TEST_CASE("names of peers: no output has anything that a terminal obeys") {
  const Folder folder;
  const auto path = folder / "socket";
  for (const auto& words : {std::vector<std::string>{"recv-file", "--discard"},
                            {"recv-file", "--discard", "--json"},
                            {"--trace", "-v", "recv-file", "--discard"},
                            {"-vv", "listen", "--send-only"},
                            {"-vv", "listen", "-k", "--chat"}}) {
    const bool is_chat = words.back() == "--chat";
    Process process(sockx(words) + std::vector<std::string>{"unix:" + path},
                    {is_chat ? Stdio::pipe() : Stdio::null()});
    CAPTURE(process.command());
    wait_for_listener(path);
    auto peer = bound_to(own(hostile));
    connect_to_path(peer, path);
    peer.finish();
    if (is_chat) {
      process.err_line("connection 1 from");
      process.signal(SIGTERM);
      check_end(process, killed_by(SIGTERM));
    } else {
      check_end(process, exited(0));
    }
    CHECK(is_safe(process.out()));
    CHECK(is_safe(process.err()));
    CHECK(contains(process.out() + process.err(), "forged"));
  }
}

TEST_CASE("names of peers: a name is one word in each record and in chat, and is typed back as it is shown") {
  const Folder folder;
  const auto path = folder / "socket";
  const auto name = own("alice: transfer 100 to bob"),
             shown = own("alice:\\x20transfer\\x20100\\x20to\\x20bob");
  for (const auto& [format, record] :
       {std::pair<std::string, std::string>{"text", "hello"}, {"hex", "68656c6c6f"}}) {
    Process receiving(
        sockx({"-v", "udp", "--listen", "--datagrams", "1", "--format", format, "unix:" + path}));
    receiving.err_line("listening on");
    auto peer = bound_to(name, SOCK_DGRAM);
    connect_to_path(peer, path);
    peer.send("hello");
    check_end(receiving, exited(0));
    CHECK(receiving.out() == "unix:@" + shown + " " + record + "\n");
  }
  {
    const auto peer = bound_to(name, SOCK_DGRAM);
    Process sending(sockx({"udp", "unix:@" + shown, "--reply-timeout", "0"}), {Stdio::pipe()});
    sending.feed("there\n");
    check_end(sending, exited(0));
    std::string bytes(100, '\0');
    bytes.resize(
        static_cast<std::size_t>(std::max<ssize_t>(0, recv(peer.fd(), bytes.data(), bytes.size(), 0))));
    CHECK(bytes == "there\n");
  }
  Process server(sockx({"-vv", "listen", "-k", "--chat", "unix:" + path}), {Stdio::pipe()});
  wait_for_listener(path);
  auto reader = bound_to(own("reader"));
  connect_to_path(reader, path);
  server.err_line("connection 1 from");
  auto peer = bound_to(name);
  connect_to_path(peer, path);
  peer.send("hello\n/nick z\xe2\x80\x8b\n");
  peer.finish();
  peer.receive_all();
  server.err_line("closed after");
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
  const auto chat = reader.receive_all();
  CHECK(contains(chat, " unix:@" + shown + ": hello\n"));
  CHECK_FALSE(contains(chat, "transfer 100"));
  CHECK_FALSE(contains(chat, "is now"));
  CHECK(is_safe(chat + server.out() + server.err()));
}

TEST_CASE("names of peers: udp forges no record by them") {
  const Folder folder;
  const auto path = folder / "socket";
  for (const std::string format : {"line", "text", "hex", "json"}) {
    CAPTURE(format);
    Process receiving(
        sockx({"-vv", "--trace", "udp", "--listen", "--datagrams", "1", "--format", format, "unix:" + path}));
    receiving.err_line("listening on");
    auto peer = bound_to(own(hostile), SOCK_DGRAM);
    connect_to_path(peer, path);
    peer.send("hello");
    check_end(receiving, exited(0));
    CHECK(is_safe(receiving.out()));
    CHECK(is_safe(receiving.err()));
    if (format != "line") CHECK(lines_of(receiving.out()).front().find("forged") != std::string::npos);
    fs::remove(path);
  }
}

}  // namespace

}  // namespace test
