// --recv-once with each flag of recv(2), which returns what that call returns; and --send-flags.
#include "../support/descriptors.hpp"
#include "../support/events.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

enum class Kind { tcp, seqpacket };

SocketEnds connected(Kind kind) {
  if (kind == Kind::tcp) return tcp_pair(0);
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// The words that receive once from an inherited socket.
std::vector<std::string> receive_once(const UniqueFd& from, Kind kind, const std::string& size,
                                      const std::string& flags = "") {
  auto words = sockx({"connect", "fd:" + std::to_string(from.get()), "--recv-once", size});
  if (kind == Kind::seqpacket) words = words + std::vector<std::string>{"--type", "seqpacket"};
  if (!flags.empty()) words = words + std::vector<std::string>{"--recv-flags", flags};
  return words;
}

/// What a socket still has, without waiting.
std::string rest_of(const UniqueFd& socket) {
  char buffer[100];
  const auto got = recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  return got < 0 ? strerrorname_np(errno) : std::string(buffer, static_cast<std::size_t>(got));
}

struct FlagRow {
  Kind kind;
  std::string flags;  // as typed
  std::string told;   // the line
  int returned;       // the event
  std::string returned_flags;
  std::string out, rest;
};

const std::vector<FlagRow> flag_rows{
    {Kind::tcp, "", "recv 3 0 = 3", 3, "0", "hel", "lo"},
    {Kind::tcp, "peek", "recv 3 MSG_PEEK = 3", 3, "0", "hel", "hello"},
    {Kind::tcp, "waitall", "recv 3 MSG_WAITALL = 3", 3, "0", "hel", "lo"},
    {Kind::tcp, "trunc", "recv 3 MSG_TRUNC = 3", 3, "0", "", "lo"},  // TCP drops instead
    {Kind::tcp, "dontwait", "recv 3 MSG_DONTWAIT = 3", 3, "0", "hel", "lo"},
    {Kind::tcp, "cmsg-cloexec", "recv 3 MSG_CMSG_CLOEXEC = 3 (MSG_CMSG_CLOEXEC)", 3, "MSG_CMSG_CLOEXEC",
     "hel", "lo"},
    {Kind::tcp, "peek,waitall", "recv 3 MSG_PEEK|MSG_WAITALL = 3", 3, "0", "hel", "hello"},
    {Kind::seqpacket, "", "recv 3 0 = 3 (MSG_TRUNC)", 3, "MSG_TRUNC", "hel", "EAGAIN"},
    {Kind::seqpacket, "peek", "recv 3 MSG_PEEK = 3 (MSG_TRUNC)", 3, "MSG_TRUNC", "hel", "hello"},
    {Kind::seqpacket, "waitall", "recv 3 MSG_WAITALL = 3 (MSG_TRUNC)", 3, "MSG_TRUNC", "hel", "EAGAIN"},
    {Kind::seqpacket, "trunc", "recv 3 MSG_TRUNC = 5 (MSG_TRUNC)", 5, "MSG_TRUNC", "hel", "EAGAIN"},
    {Kind::seqpacket, "peek,trunc", "recv 3 MSG_PEEK|MSG_TRUNC = 5 (MSG_TRUNC)", 5, "MSG_TRUNC", "hel",
     "hello"},
    {Kind::seqpacket, "dontwait", "recv 3 MSG_DONTWAIT = 3 (MSG_TRUNC)", 3, "MSG_TRUNC", "hel", "EAGAIN"},
    {Kind::seqpacket, "errqueue", "recv 3 MSG_ERRQUEUE = 3 (MSG_TRUNC)", 3, "MSG_TRUNC", "hel", "EAGAIN"},
    {Kind::seqpacket, "cmsg-cloexec", "recv 3 MSG_CMSG_CLOEXEC = 3 (MSG_TRUNC|MSG_CMSG_CLOEXEC)", 3,
     "MSG_TRUNC|MSG_CMSG_CLOEXEC", "hel", "EAGAIN"},
};

TEST_CASE("--recv-once: each flag returns what recv(2) returns, and leaves what that leaves") {
  for (const auto& row : flag_rows) {
    for (const bool json : {false, true}) {
      CAPTURE(row.told);
      auto [ours, theirs] = connected(row.kind);
      put(theirs.get(), "hello");
      auto words = receive_once(ours, row.kind, "3", row.flags);
      if (json) words.emplace_back("--json");
      Process process(words, {.inherited = {ours.get()}});
      check_end(process, exited(0));
      CHECK(process.out() == row.out);
      if (json) {
        const auto event = event_of(events_in(process.err()), "recv");
        CHECK(event.at("size") == 3);
        CHECK(event.at("returned") == row.returned);
        CHECK(event.at("returned_flags") == row.returned_flags);
        CHECK(contains(row.told, "recv 3 " + event.at("flags").get<std::string>() + " = "));
      } else {
        CHECK(process.err() == row.told + "\n");
      }
      CHECK(rest_of(ours) == row.rest);
      CHECK(rest_of(theirs) == "EAGAIN");  // the connection goes on: no end was sent
      put(theirs.get(), "more");
      CHECK(rest_of(ours) == "more");
      put(ours.get(), "back");
      CHECK(rest_of(theirs) == "back");
    }
  }
}

TEST_CASE("--recv-once: what it received is counted and passes the filters") {
  const Folder folder;
  PeerListener listener;
  Process process(sockx({"--json", "connect", "--recv-once", "100", "--tee-in", folder / "copy", "127.0.0.1",
                         listener.port()}));
  auto peer = listener.accept();
  peer.send("a banner");
  peer.finish();
  check_end(process, exited(0));
  CHECK(process.out() == "a banner");
  CHECK(read_file(folder / "copy") == "a banner");
  CHECK(contains(process.err(), "\"received\":8"));
}

TEST_CASE("--recv-once: a failed call is told with its errno, and is a failure") {
  struct Failed {
    Kind kind;
    std::string flags, sent, number;
  };
  const std::vector<Failed> failures{{Kind::tcp, "dontwait", "", "EAGAIN"},
                                     {Kind::seqpacket, "dontwait", "", "EAGAIN"},
                                     {Kind::tcp, "errqueue", "hello", "EAGAIN"},
                                     {Kind::seqpacket, "oob", "hello", "EOPNOTSUPP"}};
  for (const auto& [kind, flags, sent, number] : failures) {
    CAPTURE(flags);
    const auto [ours, theirs] = connected(kind);
    if (!sent.empty()) put(theirs.get(), sent);
    const auto words = receive_once(ours, kind, "3", flags);
    Process text(words, {.inherited = {ours.get()}});
    check_end(text, exited(1));
    CHECK(contains(text.err(), " = -1 " + number + " ("));
    CHECK(contains(text.err(), "\nsockx: recv "));
    CHECK(text.out() == "");
    Process events(words + std::vector<std::string>{"--json"}, {.inherited = {ours.get()}});
    check_end(events, exited(1));
    const auto event = event_of(events_in(events.err()), "recv");
    CHECK(event.at("returned") == -1);
    CHECK(event.at("error") == number);
    CHECK(event_of(events_in(events.err()), "error").at("error") == number);
    if (!sent.empty()) CHECK(rest_of(ours) == sent);
  }
}

TEST_CASE("--recv-once: a call that waits can be ended, on a socket in blocking mode too") {
  for (const auto& [kind, flags] : std::vector<std::pair<Kind, std::string>>{
           {Kind::tcp, ""}, {Kind::tcp, "waitall"}, {Kind::seqpacket, ""}, {Kind::seqpacket, "errqueue"}}) {
    CAPTURE(flags);
    const auto [ours, theirs] = connected(kind);
    Process process(receive_once(ours, kind, "3", flags) + std::vector<std::string>{"--deadline", "200ms"},
                    {.inherited = {ours.get()}});
    check_failure(process, 5, "deadline");
  }
}

TEST_CASE("--recv-flags waitall: the call waits for the last byte, or for the end") {
  for (const auto* last : {"lo", ""}) {
    auto [ours, theirs] = connected(Kind::tcp);
    Process process(receive_once(ours, Kind::tcp, "5", "waitall"), {.inherited = {ours.get()}});
    put(theirs.get(), "hel");
    eventually("the call has taken what there is", [&, fd = ours.get()] { return unread(fd) == 0; });
    CHECK(process.is_running());
    CHECK(process.out() == "");
    if (*last != '\0')
      put(theirs.get(), last);
    else
      theirs.reset();
    check_end(process, exited(0));
    CHECK(process.out() == std::string("hel") + last);
    CHECK(contains(process.err(), *last != '\0' ? "MSG_WAITALL = 5\n" : "MSG_WAITALL = 3\n"));
  }
}

TEST_CASE("--recv-flags waitall: on a connection of our own, and a session that then ends in good order") {
  for (const auto* command : {"connect", "listen"}) {
    PeerListener listener;
    const bool listens = std::string(command) == "listen";
    Process process(sockx({command, "--recv-once", "200000", "--recv-flags", "waitall", "127.0.0.1",
                           listens ? "0" : listener.port()}));
    auto peer = listens ? Peer::connect(port_of(process)) : listener.accept();
    const auto content = noise(300'000);
    peer.send(content);
    CHECK(peer.receive_all().empty());  // no reset, although 100000 bytes were left
    peer.close();
    check_end(process, exited(0));
    CHECK(difference(process.out(), content.substr(0, 200'000)) == "");
    CHECK(process.err() == "recv 200000 MSG_WAITALL = 200000\n");
  }
}

TEST_CASE("--recv-flags oob reads the byte that --send-flags oob sent") {
  Process sending(sockx({"listen", "--send-flags", "oob", "127.0.0.1", "0"}), {Stdio::pipe()});
  Process receiving(
      sockx({"connect", "--recv-once", "10", "--recv-flags", "oob", "127.0.0.1", port_of(sending)}));
  sending.feed("abc!");
  check_end(receiving, exited(0));
  check_end(sending, exited(0));
  CHECK(receiving.out() == "!");
  CHECK(receiving.err() == "recv 10 MSG_OOB = 1 (MSG_OOB)\n");
}

TEST_CASE("--send-flags: every send(2) bears them, as --trace shows, and the bytes arrive") {
  for (const auto& [flags, shown] : std::vector<std::pair<std::string, std::string>>{
           {"more", "MSG_MORE|MSG_NOSIGNAL"},
           {"dontroute", "MSG_DONTROUTE|MSG_NOSIGNAL"},
           {"oob", "MSG_OOB|MSG_NOSIGNAL"},
           {"more,dontroute,oob", "MSG_OOB|MSG_MORE|MSG_DONTROUTE|MSG_NOSIGNAL"}}) {
    PeerListener listener;
    Process process(sockx({"connect", "--trace", "--send-flags", flags, "127.0.0.1", listener.port()}),
                    {Stdio::pipe()});
    process.feed("0123456789");
    auto peer = listener.accept();
    const int on = 1;
    REQUIRE(setsockopt(peer.fd(), SOL_SOCKET, SO_OOBINLINE, &on, sizeof on) == 0);
    CHECK(peer.receive_all() == "0123456789");
    peer.close();
    check_end(process, exited(0));
    CHECK(contains(process.err(), ", 10, " + shown + ") = 10"));
  }
}

TEST_CASE("status 2: --recv-flags without --recv-once, and flags that do not exist") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> misused{
      {{"--recv-flags", "peek"}, "--recv-flags requires --recv-once"},
      {{"--recv-once", "1", "--recv-flags", "glance"},
       "'glance': say peek, waitall, trunc, oob, dontwait, errqueue or cmsg-cloexec"},
      {{"--recv-once", "1", "--recv-flags", "peek,"}, "''"},
      {{"--send-flags", "peek"}, "'peek': say oob, more or dontroute"},
      {{"--recv-once", "much"}, "a size is"}};
  for (const auto& [words, said] : misused) {
    Process process(sockx({"connect", "127.0.0.1", "80"}) + words);
    check_failure(process, 2, said);
  }
}

}  // namespace

}  // namespace test
