// What is said beside the payload: --json, --events, --port-file, --log-file, --quiet, and the log.
#include "../support/events.hpp"
#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

TEST_CASE("--json: a conversation tells its events on stderr, and stdout stays pure payload") {
  Process listening(sockx({"listen", "--json", "-v", "127.0.0.1", "0"}), {Stdio::pipe()});
  const auto port = port_of(listening);
  Process connecting(sockx({"connect", "--json", "--trace", "-vv", "127.0.0.1", port}), {Stdio::pipe()});
  connecting.feed("question");
  listening.feed("the answer");
  check_end(connecting, exited(0));
  check_end(listening, exited(0));
  CHECK(connecting.out() == "the answer");
  const auto server = events_in(listening.err()), client = events_in(connecting.err());
  const auto listens = event_of(server, "listening");
  CHECK(listens.at("host") == "127.0.0.1");
  CHECK(listens.at("port") == std::stoi(port));
  CHECK(listens.at("address") == "127.0.0.1:" + port);
  CHECK(event_of(client, "connected").at("peer") == "127.0.0.1:" + port);
  const auto closed = event_of(client, "closed");
  CHECK(closed.at("sent") == 8);
  CHECK(closed.at("received") == 10);
  CHECK(closed.at("seconds").is_number_float());
  const auto is_trace = [](const json& event) { return event.at("event") == "trace"; };
  CHECK(std::any_of(client.begin(), client.end(), is_trace));
}

TEST_CASE("--json: a transfer tells its result on stdout, with numbers as numbers") {
  const Folder folder;
  write_file(folder / "file", noise(100'000));
  Process receiving(sockx({"recv-file", "--json", "-o", folder / "out", "127.0.0.1", "0"}));
  const auto port = port_of(receiving);
  Process sending(sockx({"send-file", "--json", folder / "file", "127.0.0.1", port}));
  check_end(sending, exited(0));
  check_end(receiving, exited(0));
  CHECK(sending.err() == "");
  const auto sent = event_of(events_in(sending.out()), "sent");
  CHECK(sent.at("bytes") == 100'000);
  CHECK(sent.at("complete") == true);
  CHECK(sent.at("method") == "sendfile");
  CHECK(sent.at("file") == folder / "file");
  for (const auto* number : {"seconds", "bytes_per_second", "user_seconds", "system_seconds"})
    CHECK(sent.at(number).is_number_float());
  for (const auto* number : {"system_calls", "voluntary_switches", "involuntary_switches"})
    CHECK(sent.at(number).is_number_integer());
  const auto events = events_in(receiving.out());
  CHECK(event_of(events, "listening").at("port") == std::stoi(port));
  CHECK(event_of(events, "received").at("bytes") == 100'000);
  CHECK(event_of(events, "received").at("complete") == true);
}

TEST_CASE("--json: a failure is an event with status, errno and its name, from the first word to the last") {
  const HeldPort nobody;
  struct Row {
    std::vector<std::string> words;
    int status, number;
  };
  const std::vector<Row> rows{
      {{"connect", "--json", "127.0.0.1", nobody.port()}, 4, ECONNREFUSED},
      {{"listen", "--json", "--accept-timeout", "10ms", "127.0.0.1", "0"}, 5, ETIMEDOUT},
      {{"send-file", "--json", "/no/such/file", "127.0.0.1:80"}, 11, ENOENT},
      {{"connect", "--json", "127.0.0.1", "99999"}, 2, 0},
      {{"lisen", "--json"}, 2, 0},
      {{"--json"}, 2, 0},
  };
  for (const auto& row : rows) {
    Process process(sockx(row.words));
    check_end(process, exited(row.status));
    const auto error = event_of(events_in(process.err()), "error");
    CHECK(error.at("status") == row.status);
    CHECK_FALSE(error.at("message").get<std::string>().empty());
    CHECK(error.contains("errno") == (row.number != 0));
    if (row.number != 0) CHECK(error.at("errno") == row.number);
    if (row.number != 0) CHECK(error.at("error") == strerrorname_np(row.number));
  }
}

TEST_CASE("--json: a transfer that breaks off still tells how far it came") {
  Process receiving(sockx({"recv-file", "--json", "--discard", "--size", "10", "127.0.0.1", "0"}));
  auto peer = Peer::connect(port_of(receiving));
  peer.send("1234");
  peer.finish();
  check_end(receiving, exited(9));
  const auto received = event_of(events_in(receiving.out()), "received");
  CHECK(received.at("complete") == false);
  CHECK(received.at("bytes") == 4);
  CHECK(event_of(events_in(receiving.err()), "error").at("status") == 9);
}

TEST_CASE("--events FILE: the events go there, and text stays text") {
  const HeldPort nobody;
  const Folder folder;
  Process receiving(sockx({"recv-file", "--events", folder / "events", "--discard", "127.0.0.1", "0"}));
  auto peer = Peer::connect(port_of(receiving));
  peer.send("12345");
  peer.finish();
  check_end(receiving, exited(0));
  CHECK(receiving.out().starts_with("received 5 bytes from 127.0.0.1:"));
  const auto events = events_in(read_file(folder / "events"));
  event_of(events, "listening");
  CHECK(event_of(events, "received").at("bytes") == 5);

  Process failing(sockx({"connect", "--events", folder / "events", "127.0.0.1", nobody.port()}));
  check_failure(failing, 4);
  CHECK(event_of(events_in(read_file(folder / "events")), "error").at("errno") == ECONNREFUSED);
}

TEST_CASE("--port-file: the port, once it is listened on") {
  const Folder folder;
  for (const auto* command : {"listen", "recv-file"}) {
    const auto port_file = folder / command;
    Process listening(sockx({command, "--port-file", port_file, "127.0.0.1", "0"}));
    const auto port = port_in(port_file);  // as soon as there is a file, there is a port in it
    auto peer = Peer::connect(port);
    CHECK(read_file(port_file) == port + "\n");
    peer.finish();
    check_end(listening, exited(0));
  }
}

TEST_CASE("--port-file: an old file is gone before anybody could take it for the new one") {
  const Folder folder;
  PeerListener taken;
  for (const auto* command : {"listen", "recv-file"}) {
    const auto port_file = write_file(folder / "port", "12345\n");
    Process failing(sockx({command, "--port-file", port_file, "127.0.0.1", taken.port()}));
    check_failure(failing, 8, "Address already in use");
    CHECK_FALSE(fs::exists(port_file));
  }
}

TEST_CASE(
    "-v names where it listens, who comes, and what has gone either way, and without it nothing is said") {
  for (const bool verbose : {true, false}) {
    const std::vector<std::string> flags(verbose ? 1 : 0, "-v");
    Process listening(sockx({"listen"}) + flags + std::vector<std::string>{"127.0.0.1", "0"});
    const auto port = port_of(listening);
    auto peer = Peer::connect(port);
    peer.send("12345");
    peer.finish();
    check_end(listening, exited(0));
    CHECK(contains(listening.err(), "listening on 127.0.0.1:" + port) == verbose);
    CHECK(contains(listening.err(), "connected to 127.0.0.1:") == verbose);
    CHECK(contains(listening.err(), "sent 0 bytes, received 5 bytes") == verbose);
    if (!verbose) CHECK(listening.err() == "");
  }
}

TEST_CASE("--log-file: no folder is made for it, and '' is no file") {
  const Folder folder;
  Process process(sockx({"listen", "--log-file", folder / "missing/log", "127.0.0.1", "0"}));
  check_failure(process, 11, "No such file or directory");
  CHECK(folder.size() == 0);
  Process nameless(sockx({"listen", "--log-file", "", "127.0.0.1", "0"}));
  check_failure(nameless, 2, "--log-file: '': say something");
}

TEST_CASE("--log-file: what -v would say, and the failure, whatever stderr shows") {
  const Folder folder;
  Process listening(
      sockx({"listen", "--log-file", folder / "log", "--accept-timeout", "10ms", "127.0.0.1", "0"}));
  check_failure(listening, 5, "timed out");
  const auto log = read_file(folder / "log");
  CHECK(contains(log, "info listening on 127.0.0.1:"));
  CHECK(contains(log, "error accept 127.0.0.1:"));
  CHECK(lines_of(log).size() == 2);
}

TEST_CASE("--quiet: no summary, no warning, and of a failure the reason") {
  const HeldPort nobody;
  const Folder folder;
  write_file(folder / "file", "content");
  Process receiving(sockx({"recv-file", "--quiet", "-o", folder / "out", "127.0.0.1", "0"}));
  Process sending(sockx({"send-file", "--quiet", folder / "file", "127.0.0.1", port_of(receiving)}));
  for (auto* const process : {&sending, &receiving}) {
    check_end(*process, exited(0));
    CHECK(process->out() == "");
    CHECK(process->err() == "");
  }
  Process failing(sockx({"connect", "--quiet", "127.0.0.1", nobody.port()}));
  check_failure(failing, 4, "Connection refused");
}

TEST_CASE("SOCKX_TIMEOUT: a default for connecting and for idleness, which an option overrides") {
  PeerListener full(0);
  auto only_place = Peer::connect(full.port());
  Process connecting(sockx({"connect", "127.0.0.1", full.port()}), {.environment = {"SOCKX_TIMEOUT=150ms"}});
  check_failure(connecting, 5, "timed out");

  PeerListener listener;
  Process idle(sockx({"connect", "127.0.0.1", listener.port()}),
               {.in = Stdio::pipe(), .environment = {"SOCKX_TIMEOUT=150ms"}});
  auto peer = listener.accept();
  check_failure(idle, 5, "no byte in either direction for 0.15 s");

  Process patient(
      sockx({"connect", "--idle-timeout", "1h", "--deadline", "400ms", "127.0.0.1", listener.port()}),
      {.in = Stdio::pipe(), .environment = {"SOCKX_TIMEOUT=150ms"}});
  auto second = listener.accept();
  check_failure(patient, 5, "deadline");

  Process nonsense(sockx({"connect", "127.0.0.1", "80"}), {.environment = {"SOCKX_TIMEOUT=soon"}});
  check_failure(nonsense, 2, "SOCKX_TIMEOUT: 'soon'");
}

TEST_CASE("--help at every level has examples, and --version names the version") {
  for (const std::string command :
       {"", "listen", "connect", "send-file", "recv-file", "resolve", "getaddrinfo", "byteorder"}) {
    auto words = sockx({});
    if (!command.empty()) words.push_back(command);
    words.emplace_back("--help");
    const auto help = run(words);
    CHECK(contains(help, "Examples:"));
    CHECK(contains(help, "man sockx"));
    CHECK(contains(help, command));
  }
  CHECK(run(sockx({"--version"})).starts_with("sockx "));
}

}  // namespace

}  // namespace test
