// --type seqpacket: records cross with their boundaries, whatever cuts standard input into them. The peer is
// a program in Python, which has its own idea of what a record is.
#include "../support/sockx.hpp"

namespace test {

namespace {

/// Sends the records that its input holds, each after its length in 32 bits, and writes those that come in
/// the same form. An empty record is told from the end by the credentials that come with it.
const std::string python_peer = R"(
import socket, struct, sys, threading
role, name = sys.argv[1:3]
address = '\0' + name[1:] if name.startswith('@') else name
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if role == 'listen':
    s.bind(address); s.listen()
    print('up', file=sys.stderr, flush=True)
    s, _ = s.accept()
else:
    s.connect(address)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
def send():
    while prefix := sys.stdin.buffer.read(4):
        s.send(sys.stdin.buffer.read(struct.unpack('!I', prefix)[0]))
    s.shutdown(socket.SHUT_WR)
sender = threading.Thread(target=send)
sender.start()
while True:
    record, extra, flags, _ = s.recvmsg(1 << 20, 1000)
    if not record and not extra: break
    assert not flags & socket.MSG_TRUNC
    sys.stdout.buffer.write(struct.pack('!I', len(record)) + record)
sender.join()
)";

using Records = std::vector<std::string>;

/// Each after its length.
std::string prefixed(const Records& records) {
  std::string all;
  for (const auto& record : records) {
    for (const int shift : {24, 16, 8, 0}) all += static_cast<char>(record.size() >> shift);
    all += record;
  }
  return all;
}

std::vector<std::string> seqpacket(std::vector<std::string> words) {
  words.insert(words.begin() + 1, {"--type", "seqpacket"});
  return sockx(std::move(words));
}

/// The peer listens at `address`, which is a path or @ and an abstract name.
std::unique_ptr<Process> python_listening(const std::string& address, Stdio in = Stdio::pipe()) {
  auto peer = std::make_unique<Process>(
      std::vector<std::string>{"python3", "-c", python_peer, "listen", address}, Process::Options{in});
  peer->err_line("up");
  return peer;
}

/// What arrives at the peer from a sockx with these words and this input.
std::string records_sent_by(const std::vector<std::string>& words, const Process::Options& options,
                            const std::string& piped = "") {
  const Folder folder;
  const auto peer = python_listening(folder / "socket", Stdio::null());
  Process connecting(seqpacket({"connect", "unix:" + (folder / "socket")}) + words, options);
  if (options.in.kind == Stdio::Kind::pipe) connecting.feed(piped);
  check_end(connecting, exited(0));
  check_end(*peer, exited(0));
  return peer->out();
}

TEST_CASE("seqpacket: records of 0, 1, 1000 and 70000 bytes keep their boundaries both ways") {
  const Records questions{noise(1), "", noise(1000), noise(70'000), ""};
  const Records answers{"", noise(70'000, 2), noise(1, 2), "", noise(1000, 2)};
  const Folder folder;
  const auto name = "@" + fs::path(folder.path()).filename().string();
  for (const auto& address : {folder / "socket", name}) {
    for (const bool listens : {true, false}) {
      CAPTURE(address);
      CAPTURE(listens);
      std::unique_ptr<Process> ours, peer;
      const auto start_ours = [&](const std::string& command) {
        const auto words = seqpacket({command, "-v", "--framing", "len32", "unix:" + address});
        ours = std::make_unique<Process>(words, Process::Options{Stdio::pipe()});
      };
      if (listens) {
        start_ours("listen");
        ours->err_line("listening on");
        peer = std::make_unique<Process>(
            std::vector<std::string>{"python3", "-c", python_peer, "connect", address},
            Process::Options{Stdio::pipe()});
      } else {
        peer = python_listening(address);
        start_ours("connect");
      }
      ours->feed(prefixed(questions));
      peer->feed(prefixed(answers));
      check_end(*peer, exited(0));
      check_end(*ours, exited(0));
      CHECK(difference(peer->out(), prefixed(questions)) == "");
      CHECK(difference(ours->out(), prefixed(answers)) == "");
      CHECK(contains(ours->err(), "sent 71001 bytes, received 71001 bytes"));
      std::error_code ignored;
      fs::remove(folder / "socket", ignored);  // python leaves it
    }
  }
}

TEST_CASE("seqpacket: each framing of standard input, and what is a record by default") {
  struct Row {
    std::vector<std::string> words;
    std::string input;
    Records records;
  };
  const std::vector<Row> rows{
      {{"--framing", "line"}, "one\n\nthree", {"one\n", "\n", "three"}},
      {{"--framing", "line"}, "", {}},
      {{}, "by default\nlines\n", {"by default\n", "lines\n"}},
      {{"--framing", "size=4"}, "abcdefghij", {"abcd", "efgh", "ij"}},
      {{"--framing", "size=4"}, "abcdefgh", {"abcd", "efgh"}},
      {{"--framing", "len32"}, prefixed({"a\n", "", "c"}), {"a\n", "", "c"}},
      {{"--framing", "all"}, "one\ntwo\n", {"one\ntwo\n"}},
      {{"--framing", "all"}, "", {""}},
      {{"--line", "one", "--line", "two"}, "", {"one\n", "two\n"}},
      {{"--crlf", "--framing", "line"}, "one\ntwo\n", {"one\r\n", "two\r\n"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.words);
    CAPTURE(row.input);
    CHECK(records_sent_by(row.words, {Stdio::pipe()}, row.input) == prefixed(row.records));
  }
}

TEST_CASE("seqpacket: a file on standard input is cut into 1400 bytes by default, and as it is told") {
  const Folder folder;
  const auto content = noise(3000);
  write_file(folder / "file", content);
  const auto sent_with = [&](const std::vector<std::string>& words) {
    return records_sent_by(words, {Stdio::input(folder / "file")});
  };
  const auto cut = [&](std::size_t size) {
    return prefixed({content.substr(0, size), content.substr(size, size), content.substr(2 * size)});
  };
  CHECK(difference(sent_with({}), cut(1400)) == "");
  CHECK(difference(sent_with({"--framing", "size=1Ki"}), cut(1024)) == "");
  CHECK(difference(sent_with({"--framing", "all"}), prefixed({content})) == "");
}

TEST_CASE("seqpacket: what is received is written without marks, unless len32 asks for lengths") {
  for (const auto* framing : {"line", "size=2", "all"}) {
    const Folder folder;
    const auto peer = python_listening(folder / "socket");
    Process connecting(seqpacket({"connect", "--framing", framing, "unix:" + (folder / "socket")}));
    peer->feed(prefixed({"ab", "", "c\n", "d"}));
    check_end(connecting, exited(0));
    CHECK(connecting.out() == "abc\nd");
  }
}

TEST_CASE("seqpacket: a record larger than the receiver's --max-record fails, and both sizes are named") {
  for (const std::size_t size : {1000UL, 1001UL}) {
    const Folder folder;
    const auto peer = python_listening(folder / "socket");
    Process connecting(
        seqpacket({"connect", "--max-record", "1000", "--until", "peer", "unix:" + (folder / "socket")}),
        {Stdio::pipe()});
    peer->feed(prefixed({noise(size)}));
    if (size > 1000)
      check_failure(connecting, 1, "a record of 1001 bytes, but at most 1000 are taken");
    else
      check_end(connecting, exited(0));
    CHECK(connecting.out() == (size > 1000 ? "" : noise(size)));
  }
}

TEST_CASE("seqpacket: a record larger than our --max-record, or than the socket takes, is never cut") {
  const Folder folder;
  write_file(folder / "1001", noise(1001));
  write_file(folder / "40000", noise(40'000));
  write_file(folder / "39968", noise(39'968));
  struct Row {
    std::string file;
    std::vector<std::string> words;
    int status;
    std::string said;
  };
  // SO_SNDBUF is twice what is asked for, and 32 bytes of it are the kernel's.
  const std::vector<Row> rows{
      {"1001",
       {"--max-record", "1000"},
       11,
       "--max-record: a record of 1001 bytes or more, but the most is 1000"},
      {"40000",
       {"--opt", "SO_SNDBUF=20000"},
       1,
       "a record of 40000 bytes, but the socket takes at most 39968"},
  };
  for (const auto& row : rows) {
    const auto peer = python_listening(folder / "socket", Stdio::null());
    Process connecting(seqpacket({"connect", "--framing", "all", "unix:" + (folder / "socket")}) + row.words,
                       {Stdio::input(folder / row.file)});
    check_failure(connecting, row.status, row.said);
    peer->wait();
    CHECK(peer->out() == "");
    fs::remove(folder / "socket");
  }
  CHECK(difference(records_sent_by({"--framing", "all", "--opt", "SO_SNDBUF=20000"},
                                   {Stdio::input(folder / "39968")}),
                   prefixed({noise(39'968)})) == "");
}

TEST_CASE("seqpacket: an input that ends within a counted record is incomplete") {
  const std::vector<std::pair<std::string, std::string>> rows{
      {prefixed({"abcde"}).substr(0, 6), "within a record: 2 of 5 bytes"},
      {std::string(2, '\0'), "within the length of a record: 2 of 4 bytes"}};
  for (const auto& [input, said] : rows) {
    const Folder folder;
    const auto peer = python_listening(folder / "socket", Stdio::null());
    Process connecting(seqpacket({"connect", "--framing", "len32", "unix:" + (folder / "socket")}),
                       {Stdio::pipe()});
    connecting.feed(input);
    check_failure(connecting, 9, said);
    peer->wait();
    CHECK(peer->out() == "");
  }
}

TEST_CASE("--max-record: 0 is status 2") {
  Process process(sockx({"connect", "--type", "seqpacket", "--max-record", "0", "unix:/no/such/socket"}));
  check_failure(process, 2, "--max-record: '0'");
}

TEST_CASE("seqpacket: status 2 for what does not go with it, or only with it") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows{
      {{"connect", "--type", "seqpacket", "127.0.0.1", "80"}, "unix: and vsock:"},
      {{"listen", "--type", "seqpacket", "0"}, "unix: and vsock:"},
      {{"connect", "--type", "seqpacket", "--max-bytes", "5", "unix:/x"}, "--max-bytes"},
      {{"connect", "--framing", "line", "unix:/x"}, "--framing is for --type seqpacket"},
      {{"listen", "--max-record", "5", "unix:/x"}, "--max-record is for --type seqpacket"},
      {{"connect", "--type", "seqpacket", "--framing", "size=0", "unix:/x"}, "line, size=N, len32 or all"},
      {{"connect", "--type", "seqpacket", "--framing", "words", "unix:/x"}, "line, size=N, len32 or all"},
      {{"connect", "--type", "datagram", "unix:/x"}, "say stream or seqpacket"},
  };
  for (const auto& [words, said] : rows) {
    Process process(sockx(words));
    check_failure(process, 2, said);
  }
}

}  // namespace

}  // namespace test
