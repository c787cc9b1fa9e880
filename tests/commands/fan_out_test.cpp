// listen --keep-open with the standard streams: clients merge on the output, the input goes to all of them.
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <unistd.h>

#include <deque>
#include <optional>
#include <thread>

#include "../support/events.hpp"
#include "../support/talker.hpp"

namespace test {

namespace {

struct FanOut {
  Process server;
  std::string port;
  explicit FanOut(const std::vector<std::string>& words = {},
                  const Process::Options& streams = {Stdio::pipe()})
      : server(sockx({"listen", "--keep-open", "-v", "127.0.0.1", "0"}) + words, streams),
        port(port_of(server)) {}
  /// Has been accepted.
  Talker join() {
    Talker talker(port);
    server.err_line("from " + talker.name());
    return talker;
  }
};

TEST_CASE("--keep-open: what clients send merges on standard output, and standard input goes to all") {
  FanOut fan;
  auto ann = fan.join(), bob = fan.join();
  ann.say("from ann\n");
  CHECK(fan.server.out_line() == "from ann");
  bob.say("from bob\n");
  CHECK(fan.server.out_line() == "from bob");
  fan.server.write("to all\n");
  ann.hear("to all");
  bob.hear("to all");
  CHECK(ann.heard() == "to all\n");
}

TEST_CASE(
    "--keep-open: the end of standard input is FIN to all, those that come later too, and they are still "
    "heard") {
  FanOut fan;
  auto ann = fan.join();
  fan.server.write("last words\n");
  fan.server.close_input();
  CHECK(ann.hear_all() == "last words\n");
  auto late = fan.join();
  CHECK(late.hear_all() == "");
  for (auto* const talker : {&ann, &late}) {
    talker->say("still heard\n");
    CHECK(fan.server.out_line() == "still heard");
    talker->finish();
    CHECK(contains(fan.server.err_line("closed"), "complete"));
  }
}

TEST_CASE("--keep-open: a client's end is only its own, and it goes on receiving") {
  FanOut fan;
  auto ann = fan.join(), bob = fan.join();
  ann.say("done\n");
  ann.finish();
  fan.server.out_line("done");
  fan.server.write("for you\n");
  ann.hear("for you");
  bob.say("not done\n");
  fan.server.out_line("not done");
  const auto name = ann.name();
  ann.peer().close();
  eventually("it is gone", [&] {
    fan.server.write("more\n");
    return contains(fan.server.err(), name + " closed");
  });
  CHECK(contains(fan.server.err(), ": complete"));
}

TEST_CASE("--keep-open --max-conns 1: one that has ended gives its place to the next who waits") {
  FanOut fan({"--max-conns", "1"});
  for (const std::string name : {"one", "two", "three"}) {
    Talker talker(fan.port);
    talker.say(name + "\n");
    CHECK(fan.server.out_line() == name);
  }
  Talker four(fan.port);
  four.say("four\n");
  four.finish();  // and it still reads
  CHECK(fan.server.out_line() == "four");
  fan.server.write("for four\n");
  four.hear("for four");
  Talker five(fan.port);
  CHECK(four.hear_all() == "for four\n");
  fan.server.write("for five\n");
  five.hear("for five");
}

TEST_CASE("--keep-open --max-conns 1: one that has ended its half gets all of a file, whoever waits") {
  const Folder folder;
  const auto content = noise(20'000'000);
  write_file(folder / "content", content);
  FanOut fan({"--max-conns", "1"}, {Stdio::input(folder / "content")});
  Talker first(fan.port);
  first.say("first\n");
  first.finish();
  Talker second(fan.port);
  second.say("second\n");
  CHECK(fan.server.out_line() == "first");
  CHECK(difference(first.hear_all(), content) == "");
  CHECK(second.hear_all() == "");
  CHECK(fan.server.out_line() == "second");
}

TEST_CASE("--keep-open --until peer: the end of a client is the end of its conversation") {
  FanOut fan({"--until", "peer"});
  auto ann = fan.join(), bob = fan.join();
  fan.server.write("to both\n");
  ann.hear("to both");
  ann.say("done\n");
  ann.finish();
  CHECK(ann.hear_all() == "to both\n");
  CHECK(fan.server.out_line() == "done");
  CHECK(contains(fan.server.err_line("closed"), "complete"));
  fan.server.write("to one\n");
  bob.hear("to one");
}

TEST_CASE(
    "--keep-open --until local, either: the end of standard input is the end of all, and FIN is no reset") {
  for (const std::string until : {"local", "either"}) {
    CAPTURE(until);
    FanOut fan({"--until", until});
    auto ann = fan.join();
    ann.say("some\n");
    fan.server.out_line("some");
    if (until == "either") {
      auto bob = fan.join();
      bob.finish();
      CHECK(bob.hear_all() == "");
      CHECK(contains(fan.server.err_line("closed"), "complete"));
    }
    fan.server.write("last words\n");
    fan.server.close_input();
    CHECK(ann.hear_all() == "last words\n");
    ann.finish();
    CHECK(contains(fan.server.err_line("closed"), "complete"));
  }
}

TEST_CASE("--keep-open: where standard input is a terminal, what is typed goes to no client that has ended") {
  int terminal = -1, program_side = -1;
  REQUIRE(openpty(&terminal, &program_side, nullptr, nullptr, nullptr) == 0);
  const UniqueFd keyboard(terminal), tty(program_side);
  FanOut fan({"--max-conns", "1"}, {Stdio::given(tty.get())});
  for (const std::string name : {"one", "two"}) {
    auto talker = fan.join();
    REQUIRE(write(keyboard.get(), "typed\n", 6) == 6);
    talker.hear("typed");
    talker.say(name);
    talker.peer().close();
    CHECK(contains(fan.server.err_line("closed"), "complete"));
  }
  REQUIRE(write(keyboard.get(), "after\n", 6) == 6);
  auto late = fan.join();
  late.hear("after");
}

TEST_CASE("--until: it is for the handler that joins clients to the standard streams") {
  for (const std::string handler : {"echo", "broker", "chat"}) {
    Process server(sockx({"listen", "-k", "--handler", handler, "--until", "peer", "127.0.0.1", "0"}));
    check_failure(server, 2, "--until is for conversations with the standard streams");
  }
}

TEST_CASE(
    "--keep-open --lines: what was received from a client that is cut off is written, and no line is cut") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reading(ends[0]), writing(ends[1]);
  std::optional<FanOut> fan;
  {
    Process::Options streams{Stdio::pipe()};
    streams.out = Stdio::given(writing.get());
    fan.emplace(std::vector<std::string>{"--lines", "--json", "--idle-timeout", "200ms"}, streams);
  }
  writing.reset();
  std::deque<Talker> talkers;
  for (char letter : {'a', 'b', 'c'}) {
    std::string words;
    while (words.size() < 150'000) words += std::string(999, letter) + "\n";
    talkers.emplace_back(fan->port);
    talkers.back().say(words + std::string(500, letter));
  }
  // Nobody reads: after a while nothing moves, and all of them are cut off.
  for (std::size_t i = 0; i < talkers.size(); ++i) fan->server.err_line("\"closed\"");
  Talker last(fan->port);
  last.say("last\n");
  std::string written;
  while (!written.ends_with("last\n")) {
    char buffer[10'000];
    const auto got = read(reading.get(), buffer, sizeof buffer);
    REQUIRE(got > 0);
    written.append(buffer, static_cast<std::size_t>(got));
  }
  std::size_t received = 0, added = 0;
  for (const auto& event : events_in(fan->server.err()))
    if (event.at("event") == "closed") received += event.at("received").get<std::size_t>();
  for (const auto& line : lines_of(written)) {
    CHECK(line.find_first_not_of(line[0]) == (line == "last" ? 1 : std::string::npos));
    if (line.size() != 999 && line != "last") ++added;  // a newline
  }
  CHECK(written.size() == received + added + 5);
}

TEST_CASE("--keep-open: standard input waits for the first client") {
  FanOut fan;
  fan.server.write("early\n");
  fan.server.close_input();
  auto ann = fan.join();
  CHECK(ann.hear_all() == "early\n");
}

TEST_CASE("--keep-open: a large file goes to every client whole, also where one is slow") {
  const Folder folder;
  const auto content = noise(20'000'000);
  write_file(folder / "content", content);
  FanOut fan({"--port-file", folder / "port"}, {Stdio::input(folder / "content")});
  Talker slow(fan.port);
  slow.hear_bytes(1);
  Process quick(sockx({"connect", "127.0.0.1", fan.port}));
  CHECK(difference(slow.hear_all(), content) == "");
  slow.finish();
  check_end(quick, exited(0));
  CHECK(content.ends_with(quick.out()));
}

TEST_CASE("--keep-open --lines: lines of many clients at once, in pieces, are whole and in their order") {
  const std::size_t clients = is_sanitized() ? 10 : 40, lines = is_sanitized() ? 50 : 200;
  FanOut fan({"--lines"});
  std::deque<Talker> talkers;
  std::deque<std::string> words(clients);
  for (std::size_t i = 0; i < clients; ++i) {
    talkers.emplace_back(fan.port);
    for (std::size_t line = 0; line < lines; ++line)
      words[i] +=
          std::to_string(i) + " " + std::to_string(line) + " " + std::string(i * line % 300, 'x') + ".\n";
  }
  for (std::size_t round = 0, left = clients; left > 0; ++round) {
    left = 0;
    for (std::size_t i = 0; i < clients; ++i) {
      const auto piece = words[i].substr(0, 1 + (i * 7 + round * 31) % 500);
      talkers[i].say(piece);
      words[i].erase(0, piece.size());
      if (!words[i].empty()) ++left;
    }
  }
  eventually("all lines", [&] { return lines_of(fan.server.out()).size() >= clients * lines; });
  std::vector<std::size_t> next(clients);
  for (const auto& line : lines_of(fan.server.out())) {
    std::istringstream stream(line);
    std::size_t speaker = 0, number = 0;
    std::string rest;
    stream >> speaker >> number >> rest;
    REQUIRE_MESSAGE((stream && speaker < clients), line);
    CHECK(next[speaker]++ == number);
    CHECK(rest == std::string(speaker * number % 300, 'x') + ".");
  }
}

TEST_CASE(
    "--keep-open --lines: a last line gets its newline, and a line that is too long is the end of its "
    "client") {
  FanOut fan({"--lines"});
  auto ann = fan.join(), bob = fan.join();
  ann.say("unfinished");
  bob.say("before\n" + std::string(70'000, 'x'));
  fan.server.out_line("before");
  CHECK(contains(fan.server.err_line("a line has more than 65536 bytes"), bob.name()));
  ann.finish();
  CHECK(fan.server.out_line() == "unfinished");
}

TEST_CASE(
    "--keep-open: a reader of standard output that leaves ends the server by SIGPIPE, one that is slow holds "
    "it up") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reading(ends[0]), writing(ends[1]);
  std::optional<FanOut> fan;
  {
    Process::Options streams{Stdio::pipe()};
    streams.out = Stdio::given(writing.get());
    fan.emplace(std::vector<std::string>{}, streams);
  }
  writing.reset();
  auto ann = fan->join(), bob = fan->join();
  const auto content = noise(2'000'000);
  std::thread speaking([&] { ann.say(content); });
  bob.say("among them");
  std::string read_bytes;
  while (read_bytes.size() < content.size() + 10) {
    char buffer[10'000];
    const auto got = read(reading.get(), buffer, sizeof buffer);
    REQUIRE(got > 0);
    read_bytes.append(buffer, static_cast<std::size_t>(got));
  }
  speaking.join();
  const auto at = read_bytes.find("among them");
  REQUIRE(at != std::string::npos);
  CHECK(difference(read_bytes.erase(at, 10), content) == "");
  reading.reset();
  check_end(fan->server, killed_by(SIGPIPE));
}

TEST_CASE("--keep-open --trace: what is due to a client is sent by one call") {
  FanOut fan({"--trace"});
  auto ann = fan.join();
  fan.server.write("words\n");
  ann.hear("words");
  CHECK(contains(fan.server.err_line("sendmsg("), "6 bytes in 1, MSG_NOSIGNAL) = 6"));
}

TEST_CASE("--lines, --max-conns, --chat: what does not go together is said") {
  Process lines(sockx({"listen", "--lines", "127.0.0.1", "0"}));
  check_failure(lines, 2, "--lines is for the handlers stdio and broker");
  Process echo(sockx({"listen", "-k", "--handler", "echo", "--lines", "127.0.0.1", "0"}));
  check_failure(echo, 2, "--lines is for the handlers stdio and broker");
  Process most(sockx({"listen", "--max-conns", "3", "127.0.0.1", "0"}));
  check_failure(most, 2, "--max-conns is for --keep-open");
  for (const std::string word : {"0", "-1", "1.5", "99999999999999999999"}) {
    Process wrong(sockx({"listen", "-k", "--max-conns", word, "127.0.0.1", "0"}));
    check_failure(wrong, 2, "--max-conns: '" + word + "': say a number from 1 on");
  }
  Process workers(sockx({"listen", "-k", "--handler", "echo", "--workers", "1.5", "127.0.0.1", "0"}));
  check_failure(workers, 2, "--workers: '1.5': say a number from 1 to 1024");
  Process two(sockx({"listen", "--chat", "--broker", "127.0.0.1", "0"}));
  check_failure(two, 2, "--chat");
  Process program(sockx({"listen", "--chat", "--exec", "127.0.0.1", "0", "--", "cat"}));
  check_failure(program, 2, "");
}

}  // namespace

}  // namespace test
