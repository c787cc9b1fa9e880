// What changes or watches the bytes on their way: --crlf, --hexdump, --tee-in, --tee-out, --line,
// --line-delay.
#include <sys/stat.h>

#include <cstdio>
#include <ctime>

#include "../support/events.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

/// A conversation of `connect` with these words, in which each side says what it is given. The peer has heard
/// everything before it answers. What it heard.
struct Conversation {
  std::string heard, out, err;
};
Conversation converse(const std::vector<std::string>& words, const std::string& question,
                      const std::string& answer) {
  PeerListener listener;
  Process ours(sockx({"connect", "127.0.0.1", listener.port()}) + words, {Stdio::pipe()});
  ours.feed(question);
  auto peer = listener.accept();
  Conversation result;
  result.heard = peer.receive_all();
  peer.send(answer);
  peer.finish();
  check_end(ours, exited(0));
  result.out = ours.out();
  result.err = ours.err();
  return result;
}

/// Letters, CR and LF by chance, with an LF on each side of every border of 64 KiB, half of them after a CR.
std::string confusing_lines(std::size_t size) {
  auto content = noise(size);
  for (auto& byte : content) byte = "ab\r\n"[static_cast<unsigned char>(byte) % 4];
  for (std::size_t border = 65'536, i = 0; border + 1 < size; border += 65'536, ++i) {
    content[border - 1] = "x\r\n\n"[i % 4];
    content[border] = "\n\n\nx"[i % 4];
  }
  return content;
}

TEST_CASE("--crlf: byte for byte what Python makes of it, from a file and from a pipe") {
  const Folder folder;
  const auto content = confusing_lines(1'000'000);
  write_file(folder / "content", content);
  const auto expected = run({"python3", "-c",
                             "import re, sys; sys.stdout.buffer.write("
                             "re.sub(rb'(?<!\\r)\\n', b'\\r\\n', sys.stdin.buffer.read()))"},
                            {Stdio::input(folder / "content")});
  REQUIRE(expected.size() > content.size());
  CHECK(difference(converse({"--crlf"}, content, "").heard, expected) == "");
  for (const auto* command : {"connect", "listen"}) {
    PeerListener listener;
    const bool listens = std::string(command) == "listen";
    Process ours(sockx({command, "--crlf", "127.0.0.1", listens ? "0" : listener.port()}),
                 {Stdio::input(folder / "content")});
    auto peer = listens ? Peer::connect(port_of(ours)) : listener.accept();
    CHECK(difference(peer.receive_all(), expected) == "");
    peer.finish();
    check_end(ours, exited(0));
  }
}

TEST_CASE("--crlf: a CR and its LF in two pieces stay as they are, and what is received is not touched") {
  PeerListener listener;
  Process ours(sockx({"connect", "--crlf", "127.0.0.1", listener.port()}), {Stdio::pipe()});
  auto peer = listener.accept();
  ours.write("a\r");
  CHECK(peer.receive(2) == "a\r");
  ours.write("\nb");
  CHECK(peer.receive(2) == "\nb");
  ours.write("\n");
  CHECK(peer.receive(2) == "\r\n");
  peer.send("x\ny\r\n");
  peer.finish();
  ours.close_input();
  check_end(ours, exited(0));
  CHECK(ours.out() == "x\ny\r\n");
}

/// Both directions put together again from a hexdump, whose every line must be well-formed and in its place.
struct Streams {
  std::string sent, received;
};
Streams undump(const std::string& text) {
  Streams streams;
  for (const auto& line : lines_of(text)) {
    INFO(line);
    unsigned hour = 99, minute = 99, second = 99, fraction = 0;
    char direction = 0;
    std::size_t offset = 0;
    int rest = 0;
    REQUIRE(std::sscanf(line.c_str(), "%2u:%2u:%2u.%6u %c %8zx  %n", &hour, &minute, &second, &fraction,
                        &direction, &offset, &rest) == 6);
    CHECK(hour < 24);
    CHECK(minute < 60);
    CHECK(second < 61);
    REQUIRE(rest == 28);  // every column has its width
    REQUIRE((direction == '>' || direction == '<'));
    auto& stream = direction == '>' ? streams.sent : streams.received;
    CHECK(offset == stream.size());
    std::string bytes, shown;
    std::istringstream numbers(line.substr(28, 47));
    for (int number = 0; numbers >> std::hex >> number;) {
      bytes += static_cast<char>(number);
      shown += number >= ' ' && number <= '~' ? static_cast<char>(number) : '.';
    }
    CHECK(line.substr(75) == "  |" + shown + "|");
    stream += bytes;
  }
  return streams;
}

TEST_CASE("--hexdump=FILE and --hexdump on stderr tell both directions, every byte of them") {
  const Folder folder;
  const auto question = noise(100'001, 1), answer = noise(70'000, 2);  // several reads
  for (const bool to_file : {true, false}) {
    const auto said =
        converse({to_file ? "--hexdump=" + (folder / "dump") : std::string("--hexdump")}, question, answer);
    CHECK(difference(said.heard, question) == "");
    CHECK(difference(said.out, answer) == "");
    const auto streams = undump(to_file ? read_file(folder / "dump") : said.err);
    CHECK(difference(streams.sent, question) == "");
    CHECK(difference(streams.received, answer) == "");
    if (to_file) CHECK(said.err == "");
  }
}

TEST_CASE("--hexdump shows what goes over the wire: after --crlf") {
  CHECK(undump(converse({"--crlf", "--hexdump"}, "a\nb\r\n", "").err).sent == "a\r\nb\r\n");
}

TEST_CASE("--hexdump --json: an event for each row, with direction, time and offset") {
  const auto question = noise(1000, 1), answer = noise(500, 2);
  const auto said = converse({"--hexdump", "--json"}, question, answer);
  Streams streams;
  std::string last;
  for (const auto& event : events_in(said.err)) {
    if (event.at("event") != "hexdump") continue;
    auto& stream = event.at("direction") == "sent" ? streams.sent : streams.received;
    if (&stream == &streams.received) CHECK(event.at("direction") == "received");
    CHECK(event.at("offset") == stream.size());
    CHECK(event.at("time").get<std::string>() >= last);
    last = event.at("time");
    const std::string digits = event.at("hex");
    for (std::size_t i = 0; i < digits.size(); i += 2)
      stream += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  CHECK(difference(streams.sent, question) == "");
  CHECK(difference(streams.received, answer) == "");
}

TEST_CASE("--tee-in, --tee-out: a copy of each direction, in two files or in one") {
  const Folder folder;
  const auto question = noise(300'000, 1), answer = noise(200'000, 2);
  for (const auto* name : {"in", "out", "both"}) write_file(folder / name, "old");
  auto said = converse({"--tee-in", folder / "in", "--tee-out", folder / "out"}, question, answer);
  CHECK(difference(said.heard, question) == "");
  CHECK(difference(said.out, answer) == "");
  CHECK(difference(read_file(folder / "in"), answer) == "");
  CHECK(difference(read_file(folder / "out"), question) == "");

  said = converse({"--tee-in", folder / "both", "--tee-out", folder / "both"}, question, answer);
  CHECK(difference(said.heard, question) == "");
  CHECK(difference(said.out, answer) == "");
  CHECK(difference(read_file(folder / "both"), question + answer) == "");
}

TEST_CASE("--tee-in: a fifo, whose reader is waited for and may be slow") {
  const Folder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  const auto answer = noise(1'000'000);
  PeerListener listener;
  Process ours(sockx({"connect", "--tee-in", folder / "fifo", "127.0.0.1", listener.port()}));
  const UniqueFd slow(open((folder / "fifo").c_str(), O_RDONLY | O_CLOEXEC));
  auto peer = listener.accept();
  std::thread sender([&] {
    peer.send(answer);
    peer.finish();
  });
  eventually("the fifo is full", [&] { return ours.out().size() >= 65'536; });
  Process reader({"cat"}, {Stdio::given(slow.get())});
  sender.join();
  check_end(ours, exited(0));
  check_end(reader, exited(0));
  CHECK(difference(ours.out(), answer) == "");
  CHECK(difference(reader.out(), answer) == "");
}

TEST_CASE("--tee-out, --tee-in, --hexdump: a file that cannot be opened is 11 before there is a connection") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--tee-out", "/no/such/file"}, {"--tee-in", "/no/such/file"}, {"--hexdump=/no/such/file"}}) {
    Process connecting(sockx({"connect", "127.0.0.1", HeldPort().port()}) + words);
    check_failure(connecting, 11, "/no/such/file: No such file");
    Process listening(sockx({"listen", "127.0.0.1", "0"}) + words);
    check_failure(listening, 11, "/no/such/file: No such file");
  }
}

TEST_CASE("--tee-out, --hexdump: a file that cannot be written is 11") {
  PeerListener listener;
  for (const auto& [words, said] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--tee-out", "/dev/full"}, "/dev/full: No space left"},
           {{"--hexdump=/dev/full"}, "/dev/full: No space left"}}) {
    CAPTURE(words);
    Process ours(sockx({"connect", "--line", "hello", "127.0.0.1", listener.port()}) + words);
    auto peer = listener.accept();
    check_failure(ours, 11, said);
  }
}

TEST_CASE("--tee-out: the file of standard input is not emptied, and an empty name is none") {
  const Folder folder;
  const auto path = write_file(folder / "input", "precious");
  Process process(sockx({"connect", "--tee-out", path, "127.0.0.1", HeldPort().port()}),
                  {Stdio::input(path)});
  check_failure(process, 2, path);
  CHECK(read_file(path) == "precious");
  for (const auto* option : {"--tee-out", "--tee-in", "--sh"}) {
    Process empty(sockx({"connect", option, "", "127.0.0.1", "1"}));
    check_failure(empty, 2, option);
  }
}

TEST_CASE("--tee-out: a usage error leaves the file as it was") {
  const Folder folder;
  const auto path = write_file(folder / "copy", "precious");
  Process process(sockx({"connect", "--tee-out", path, "nosuchform"}));
  check_failure(process, 2, "nosuchform");
  CHECK(read_file(path) == "precious");
}

TEST_CASE("--line: these lines instead of standard input, then the end") {
  CHECK(converse({"--line", "one", "--line", "", "--line", "-v"}, "never read", "").heard == "one\n\n-v\n");
  CHECK(converse({"--crlf", "--line", "GET / HTTP/1.0", "--line", ""}, "", "").heard ==
        "GET / HTTP/1.0\r\n\r\n");
  const auto said = converse({"--line", "question"}, "", "answer");
  CHECK(said.heard == "question\n");
  CHECK(said.out == "answer");
}

/// The lines that come to the peer until its end, and when each did.
std::vector<std::pair<std::string, std::chrono::steady_clock::time_point>> lines_with_times(Peer& peer) {
  std::vector<std::pair<std::string, std::chrono::steady_clock::time_point>> lines;
  std::string line;
  for (auto byte = peer.receive(1); !byte.empty(); byte = peer.receive(1)) {
    line += byte;
    if (byte != "\n") continue;
    lines.emplace_back(line, std::chrono::steady_clock::now());
    line.clear();
  }
  return lines;
}

TEST_CASE("--line-delay: that much time between two lines, given by --line or by standard input") {
  for (const bool from_input : {false, true}) {
    for (const bool crlf : {false, true}) {
      PeerListener listener;
      auto words = sockx({"connect", "--line-delay", "100ms", "127.0.0.1", listener.port()});
      if (crlf) words.emplace_back("--crlf");
      if (!from_input) words = words + std::vector<std::string>{"--line", "1", "--line", "2", "--line", "3"};
      Process ours(words, {Stdio::pipe()});
      auto peer = listener.accept();
      if (from_input) ours.feed("1\n2\n3\n");
      const auto lines = lines_with_times(peer);
      peer.close();
      check_end(ours, exited(0));
      REQUIRE(lines.size() == 3);
      for (std::size_t i = 0; i < 3; ++i)
        CHECK(lines[i].first == std::to_string(i + 1) + (crlf ? "\r\n" : "\n"));
      // One may have come late, and the next in time: only the whole has a least.
      CHECK(lines[2].second - lines[0].second > 100ms);
    }
  }
}

TEST_CASE("--line-delay: neither before the first line, nor within one, nor after the last") {
  for (const auto& words : std::vector<std::vector<std::string>>{{"--line", "only"}, {}}) {
    PeerListener listener;
    Process ours(sockx({"connect", "--line-delay", "1h", "127.0.0.1", listener.port()}) + words,
                 {Stdio::pipe()});
    auto peer = listener.accept();
    if (words.empty()) {
      ours.write("on");
      CHECK(peer.receive(2) == "on");
      ours.write("ly\n");
      CHECK(peer.receive(3) == "ly\n");
      ours.close_input();
      CHECK(peer.receive_all().empty());
    } else {
      CHECK(peer.receive_all() == "only\n");
    }
    peer.close();
    check_end(ours, exited(0));
  }
}

}  // namespace

}  // namespace test
