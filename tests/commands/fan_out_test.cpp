// listen --keep-open with the standard streams: clients merge on the output, the input goes to all of them.
#include <signal.h>

#include <deque>
#include <optional>
#include <thread>

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
