// listen --chat: who hears what, who is called what, and how it ends.
#include <signal.h>

#include <deque>
#include <regex>
#include <thread>

#include "../support/events.hpp"
#include "../support/talker.hpp"

namespace test {

namespace {

/// A chat with an operator whose streams are the test's.
struct Chat {
  Process server;
  std::string port;

  explicit Chat(const std::vector<std::string>& words = {})
      : server(sockx({"listen", "--chat", "127.0.0.1", "0"}) + words, {Stdio::pipe()}),
        port(port_of(server)) {}
  /// Has heard of its own joining.
  Talker join() const {
    Talker talker(port);
    talker.hear(talker.name() + " has joined");
    return talker;
  }
};

bool is_told(const std::string& line, const std::string& rest) {
  return std::regex_match(line.substr(0, 10), std::regex(R"(\[[0-2]\d:[0-5]\d:[0-6]\d\])")) &&
         line.substr(10) == " " + rest;
}

TEST_CASE("--chat: a line goes to everybody, the operator too, with the time and the speaker's address") {
  Chat chat;
  auto ann = chat.join(), bob = chat.join();
  CHECK(is_told(ann.hear("has joined"), "* " + bob.name() + " has joined"));
  ann.say("hello\r\nworld\n");
  for (auto* const talker : {&ann, &bob}) {
    CHECK(is_told(talker->hear("hello"), ann.name() + ": hello"));
    CHECK(is_told(talker->hear("world"), ann.name() + ": world"));
  }
  CHECK(is_told(chat.server.out_line("hello"), ann.name() + ": hello"));
  chat.server.write("from here\n");
  CHECK(is_told(chat.server.out_line("from here"), "operator: from here"));
  CHECK(is_told(bob.hear("from here"), "operator: from here"));
}

TEST_CASE(
    "--chat: quit leaves, the others hear of it, and of the end of a client, after a last line without a "
    "newline") {
  Chat chat({"-v"});
  auto ann = chat.join(), bob = chat.join(), eve = chat.join();
  ann.say("quit\nnot said any more\n");
  ann.hear_all();
  CHECK(is_told(eve.hear("has left"), "* " + ann.name() + " has left"));
  bob.say("that is all");
  bob.finish();
  bob.hear("that is all");
  bob.hear_all();
  CHECK(is_told(eve.hear("that is all"), bob.name() + ": that is all"));
  CHECK(is_told(eve.hear("has left"), "* " + bob.name() + " has left"));
  CHECK_FALSE(contains(eve.heard(), "not said"));
  ann.peer().close();
  CHECK(contains(chat.server.err_line("closed"), "complete"));
}

TEST_CASE("--chat: who is reset has left as well, and nobody else is touched") {
  Chat chat({"-v"});
  auto ann = chat.join(), bob = chat.join();
  const auto name = ann.name();
  ann.peer().reset();
  CHECK(is_told(bob.hear("has left"), "* " + name + " has left"));
  CHECK(contains(chat.server.err_line("closed"), "Connection reset"));
  bob.say("still here\n");
  bob.hear("still here");
}

TEST_CASE("--chat: /nick takes a name that is free and fit, /who tells the asker alone") {
  Chat chat;
  auto ann = chat.join(), bob = chat.join();
  ann.hear("has joined");
  ann.say("/nick ann\n");
  CHECK(is_told(bob.hear("now"), "* " + ann.name() + " is now ann"));
  ann.say("hello\n");
  CHECK(is_told(bob.hear("hello"), "ann: hello"));
  ann.hear("hello");
  ann.say("/who\n");
  CHECK(is_told(ann.hear("here"), "* 3 here: operator, ann, " + bob.name()));
  for (const std::string name :
       {"ann", "operator", "", "a b", "a:", "a\\", "\x1b[2J", "\x9b", "z\xe2\x80\x8b", "z\xc2\xa0z",
        "z\xef\xb8\x8f", "123456789012345678901234567890123"}) {
    CAPTURE(name);
    bob.say("/nick " + name + "\n");
    CHECK(contains(bob.hear("* "), "* /nick "));
  }
  bob.say(
      "/nick b\xc3\xb6"
      "b\n");
  CHECK(is_told(ann.hear("now"), "* " + bob.name() +
                                     " is now b\xc3\xb6"
                                     "b"));
  ann.say("/nick eve\n");  // and so its old name is free
  bob.say("/nosuch\n/nick ann\nbye\n");
  CHECK(is_told(bob.hear("nosuch"), "* /nosuch: no such command; there are /nick NAME, /who and quit"));
  CHECK(is_told(ann.hear("now ann"),
                "* b\xc3\xb6"
                "b is now ann"));
  ann.hear("bye");
  CHECK_FALSE(contains(ann.heard(), "nosuch"));
  CHECK_FALSE(contains(bob.heard(), "here:"));
  CHECK_FALSE(contains(chat.server.out(), "nosuch"));
  chat.server.write("/who\n");
  CHECK(is_told(chat.server.out_line("here:"), "* 3 here: operator, eve, ann"));
}

TEST_CASE("--chat: no control character of a client reaches another's terminal") {
  Chat chat;
  auto ann = chat.join(), bob = chat.join();
  ann.say(
      "a\x1b]0;title\x07\tb\rc \xc2\x9b"
      "2J \xff gr\xc3\xbc\xc3\x9f\n");
  CHECK(is_told(bob.hear("title"), ann.name() + ": a?]0;title? b?c ?2J ? gr\xc3\xbc\xc3\x9f"));
}

TEST_CASE("--chat: a line of more than 8 KiB goes out in pieces") {
  Chat chat;
  auto ann = chat.join(), bob = chat.join();
  const std::string full(8192, 'x');
  ann.say(full + "quit\n");
  CHECK(is_told(bob.hear("xxx"), ann.name() + ": " + full));
  CHECK(is_told(bob.hear("quit"), ann.name() + ": quit"));  // a part of the line, and no command
}

TEST_CASE(
    "--chat: the operator's quit, and the end of his input, stop the server, and what was said arrives") {
  for (const bool quits : {true, false}) {
    CAPTURE(quits);
    Chat chat({"-v"});
    auto ann = chat.join(), bob = chat.join();
    chat.server.write(quits ? "good night\nquit\nnot said any more\n" : "good night");
    chat.server.close_input();
    for (auto* const talker : {&ann, &bob}) {
      CHECK(is_told(talker->hear("good night"), "operator: good night"));
      CHECK_FALSE(contains(talker->hear_all(), "not said"));
      talker->peer().close();
    }
    check_end(chat.server, exited(0));
    CHECK_FALSE(contains(chat.server.err(), "the server has stopped"));  // so that they had to be cut off
    CHECK(contains(chat.server.err(), "standard input has ended: the chat is over") == !quits);
    CHECK(contains(chat.server.out(), "operator: good night\n"));
    CHECK_FALSE(contains(chat.server.out(), "not said"));
  }
}

TEST_CASE("--chat: a reader of standard output that leaves ends the server by SIGPIPE") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  Process::Options streams{Stdio::pipe()};
  streams.out = Stdio::given(writing.get());
  Process server(sockx({"listen", "--chat", "127.0.0.1", "0"}), streams);
  Talker ann(port_of(server));
  ann.hear("has joined");
  const_cast<UniqueFd&>(writing).reset();
  streams = {};
  reading.reset();
  check_end(server, killed_by(SIGPIPE));
}

/// Who is there, and which line of whom it expects next.
struct Listening {
  Talker talker;
  std::vector<unsigned> next;
  std::size_t parsed = 0, lines = 0;
  bool in_order = true;

  void take() {
    const auto& heard = talker.heard();
    for (auto end = heard.find('\n', parsed); end != std::string::npos; end = heard.find('\n', parsed)) {
      const auto mark = heard.find(": line ", parsed);
      if (mark < end) {
        char* rest = nullptr;
        const auto speaker = strtoul(heard.c_str() + mark + 7, &rest, 10);
        const auto number = strtoul(rest, &rest, 10);
        in_order = in_order && speaker < next.size() && *rest == '\n' && next[speaker]++ == number;
        ++lines;
      }
      parsed = end + 1;
    }
  }
};

TEST_CASE(
    "--chat: 200 clients, 10,000 lines: everybody hears each line once, and each speaker's in their order") {
  const unsigned clients = is_sanitized() ? 40 : 200, lines = is_sanitized() ? 20 : 50;
  const unsigned at_once = is_sanitized() ? 4 : 5;
  Chat chat;
  std::deque<Listening> all;
  for (unsigned i = 0; i < clients; ++i) all.push_back({Talker(chat.port), std::vector<unsigned>(clients)});
  for (auto& one : all) one.talker.hear(all.back().talker.name() + " has joined");
  for (unsigned line = 0; line < lines; line += at_once) {
    for (unsigned i = 0; i < clients; ++i) {
      std::string words;
      for (unsigned more = 0; more < at_once; ++more)
        words += "line " + std::to_string(i) + " " + std::to_string(line + more) + "\n";
      all[i].talker.say(words);
    }
    for (auto& one : all)
      while (one.talker.hears_something_now()) one.talker.hear_some();
  }
  for (auto& one : all) {
    for (one.take(); one.in_order && one.lines < clients * lines; one.take()) REQUIRE(one.talker.hear_some());
    CHECK(one.in_order);
    CHECK(one.next == std::vector<unsigned>(clients, lines));
  }
}

TEST_CASE("--chat: who never reads is cut off, and the others hear everything") {
  Chat chat({"--json", "--max-conns", "10"});
  auto ann = chat.join();
  Talker mute(chat.port);
  const auto name = mute.name();
  ann.hear(name + " has joined");
  const std::string words(4000, 'x');
  const auto line = "127.0.0.1:" + ann.port() + ": " + words + "\n";
  // More than the log and what the kernel takes for a connection (tcp_wmem, tcp_rmem).
  constexpr std::size_t rounds = 200, at_once = 30;
  for (std::size_t round = 0; round < rounds; ++round) {
    std::string lines;
    for (std::size_t i = 0; i < at_once; ++i) lines += words + "\n";
    ann.say(lines + "/who\n");
    ann.hear("here:");
  }
  CHECK(contains(ann.heard(), "* " + name + " has left\n"));
  CHECK(mute.peer().ends_by_reset());
  std::size_t heard = 0;
  for (auto at = ann.heard().find(line); at != std::string::npos;
       at = ann.heard().find(line, at + line.size()))
    ++heard;
  CHECK(heard == rounds * at_once);
  eventually("it is told", [&] { return contains(chat.server.err(), "\"closed\""); });
  const auto closed = event_of(events_in(chat.server.err()), "closed");
  CHECK(closed.at("peer") == name);
  CHECK(closed.at("complete") == false);
  CHECK(contains(closed.at("reason"), "it did not read"));
}

TEST_CASE("--chat: what one asks for again and again is told to it alone, and costs nobody else anything") {
  const unsigned clients = 80, questions = is_sanitized() ? 819 : 8190;
  Chat chat;
  std::deque<Talker> others;
  for (unsigned i = 0; i < clients; ++i) others.push_back(chat.join());
  auto asking = chat.join();
  std::string all;
  for (unsigned i = 0; i < questions; ++i) all += "/who\n";
  std::thread speaking([&] { asking.say(all + "that was all\n"); });
  asking.hear("that was all");
  speaking.join();
  for (auto& other : others) {
    other.hear("that was all");
    CHECK_FALSE(contains(other.heard(), "here:"));
    CHECK_FALSE(contains(other.heard(), "has left"));
  }
  std::size_t answers = 0;
  for (const auto& line : lines_of(asking.heard()))
    if (contains(line, "here:")) ++answers;
  CHECK(answers == questions);
}

TEST_CASE("--chat: one that is alone and says much hears all of it") {
  Chat chat;
  auto ann = chat.join();
  const std::string line(4000, 'x');
  const unsigned lines = 2000;
  std::thread speaking([&] {
    for (unsigned i = 0; i < lines; ++i) ann.say(line + "\n");
    ann.say("that was all\n");
  });
  ann.hear("that was all");
  speaking.join();
  CHECK(ann.heard().size() > lines * line.size());
}

TEST_CASE("--chat: ten that say thousands of empty lines at once cut nobody off") {
  Chat chat;
  std::deque<Listening> all;
  for (unsigned i = 0; i < 12; ++i) all.push_back({chat.join(), {}});
  const unsigned lines = 4096;
  for (unsigned i = 0; i < 10; ++i) all[i].talker.say(std::string(lines, '\n'));
  const auto empty_lines = [](const Talker& talker) {
    std::size_t count = 0;
    for (const auto& line : lines_of(talker.heard()))
      if (line.ends_with(": ")) ++count;
    return count;
  };
  for (auto& one : all) {
    const auto due = 10 * lines * (sizeof("[00:00:00] 127.0.0.1:10000: \n") - 1);
    one.talker.hear_bytes(due);  // ports may have more digits: what is left comes below
    while (empty_lines(one.talker) < 10 * lines) REQUIRE(one.talker.hear_some());
    CHECK_FALSE(contains(one.talker.heard(), "has left"));
  }
}

TEST_CASE("--chat: a plain client of a few lines, which sends what is typed and prints what comes") {
  if (is_missing("python3")) return;
  const auto* const client = R"(
import socket, sys, threading
s = socket.socket()
s.connect(('127.0.0.1', int(sys.argv[1])))
def receive():
    while True:
        data = s.recv(1024)
        if not data:
            break
        print(data.decode(), end='', flush=True)
listener = threading.Thread(target=receive)
listener.start()
while True:
    message = input()
    s.send((message + '\n').encode())
    if message == 'quit':
        break
listener.join()
s.close()
)";
  Chat chat;
  auto ann = chat.join();
  Process plain({"python3", "-c", client, chat.port}, {Stdio::pipe()});
  const auto joined = ann.hear("has joined");
  plain.write("gr\xc3\xbc\xc3\x9f dich\n");
  CHECK(contains(ann.hear("dich"), ": gr\xc3\xbc\xc3\x9f dich"));
  ann.say("and you\n");
  CHECK(contains(plain.out_line("and you"), ann.name() + ": and you"));
  plain.write("quit\n");
  ann.hear("has left");
  check_end(plain, exited(0));
  CHECK(plain.err() == "");
}

}  // namespace

}  // namespace test
