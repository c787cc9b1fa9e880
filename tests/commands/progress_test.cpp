// Progress: the answers to SIGUSR1, the events and the bar.
#include <signal.h>
#include <sys/stat.h>

#include "../support/events.hpp"
#include "../support/peer.hpp"
#include "../support/terminal.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// Until the signal no longer kills: SigCgt in proc_pid_status(5).
void wait_until_asked(const Process& process) {
  eventually(process.command() + "answers", [&] {
    const auto status = read_file("/proc/" + std::to_string(process.pid()) + "/status");
    const auto caught = status.find("SigCgt:");
    return (std::stoull(status.substr(caught + 8, 16), nullptr, 16) >> (SIGUSR1 - 1) & 1) != 0;
  });
}

/// Asks, and takes the first answer that contains `words`: what was asked for may come a moment later, and
/// while the process starts, the signal is survived only.
std::string answer_with(Process& process, const std::string& words) {
  std::string answer;
  eventually(words, [&] {
    process.signal(SIGUSR1);
    if (!process.has_err_line()) return false;
    answer = process.err_line();
    return contains(answer, words);
  });
  return answer;
}

json event_with(Process& process, const std::string& words) {
  return json::parse(answer_with(process, words));
}

TEST_CASE("SIGUSR1: who waits for a connection says where, and goes on") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  for (const auto& words : {sockx({"send-file", "--listen", file, "127.0.0.1:0"}),
                            sockx({"recv-file", "-o", folder / "copy", "127.0.0.1:0"}),
                            sockx({"recv-file", "--keep-open", "--discard", "127.0.0.1:0"})}) {
    Process process(words);
    const auto port = port_of(process);
    for (int i = 0; i < 3; ++i)
      CHECK(answer_with(process, ":" + port) == "waiting for a connection on 127.0.0.1:" + port);
    auto peer = Peer::connect(port);
    peer.finish();
    if (contains(process.command(), "send-file")) CHECK(peer.receive_all() == "content");
    peer.close();
    if (contains(process.command(), "--keep-open"))
      process.out_line("received 0 bytes");
    else
      check_end(process, exited(0));
  }
}

TEST_CASE("SIGUSR1: who tries to connect says to whom, and goes on trying") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  HeldPort one, other;
  const auto where = [](const HeldPort& port) { return "127.0.0.1:" + port.port(); };
  Process sending(sockx({"send-file", "--wait-for", "1h", "--retry-delay", "20ms", file, where(one)}));
  Process receiving(
      sockx({"recv-file", "--connect", "--wait-for", "1h", "--retry-delay", "20ms", where(other)}));
  wait_until_asked(sending);
  wait_until_asked(receiving);
  CHECK(answer_with(sending, "connecting") == "connecting to " + where(one));
  CHECK(answer_with(receiving, "connecting") == "connecting to " + where(other));
  auto receiver = one.listen_now().accept();
  CHECK(receiver.receive_all() == "content");
  receiver.close();
  auto sender = other.listen_now().accept();
  sender.finish();
  check_end(sending, exited(0));
  check_end(receiving, exited(0));
}

TEST_CASE("SIGUSR1: both ends of a transfer tell how far they are, and nothing is lost by it") {
  const Folder folder;
  const auto content = noise(4'000'000);
  const auto file = write_file(folder / "file", content);
  Process receiving(sockx({"recv-file", "--size", "4M", "-o", folder / "copy", "127.0.0.1:0"}));
  const auto port = port_of(receiving);
  Process sending(sockx({"send-file", "--rate", "2M", file, "127.0.0.1:" + port}));
  receiving.signal(SIGUSR1);
  wait_until_asked(sending);
  const auto sent = answer_with(sending, " s left");
  CHECK(sent.starts_with("sending " + file + " to 127.0.0.1:" + port + ": "));
  CHECK(contains(sent, "%, "));
  CHECK(contains(sent, "B/s, "));
  const auto received = answer_with(receiving, " s left");
  CHECK(received.starts_with("receiving " + (folder / "copy") + " from 127.0.0.1:"));
  while (sending.is_running() && receiving.is_running()) {  // up to the very end
    sending.signal(SIGUSR1);
    receiving.signal(SIGUSR1);
  }
  check_end(sending, exited(0));
  check_end(receiving, exited(0));
  CHECK(difference(read_file(folder / "copy"), content) == "");
}

TEST_CASE("SIGUSR1: who has moved everything says that the other has not closed") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  PeerListener listener;
  const auto where = "127.0.0.1:" + listener.port();
  Process sending(sockx({"send-file", file, where}));
  auto receiver = listener.accept();
  CHECK(receiver.receive_all() == "content");
  CHECK(answer_with(sending, "waiting").starts_with("waiting until " + where + " closes: 100%, 7 bytes, "));
  Process receiving(sockx({"recv-file", "--size", "7", "--connect", where}));
  auto sender = listener.accept();
  sender.send("content");
  CHECK(answer_with(receiving, "waiting").starts_with("waiting until " + where + " closes: 100%, 7 bytes, "));
  receiver.close();
  sender.finish();
  check_end(sending, exited(0));
  check_end(receiving, exited(0));
}

TEST_CASE("SIGUSR1: recv-file --keep-open has a line for each transfer, and of the wait when there is none") {
  const Folder folder;
  Process receiving(sockx({"recv-file", "--keep-open", "-o", folder / "%n", "127.0.0.1:0"}));
  const auto port = port_of(receiving);
  auto first = Peer::connect(port), second = Peer::connect(port);
  first.send("12345");
  second.send("1234567");
  // Until both have arrived, an answer may tell of less.
  answer_with(receiving, ": 7 bytes, ");
  CHECK(answer_with(receiving, "receiving " + (folder / "1")).find(": 5 bytes, ") != std::string::npos);
  CHECK(contains(receiving.err_line(), "receiving " + (folder / "2") + " from 127.0.0.1:"));
  first.finish();
  second.finish();
  receiving.out_line("received");
  receiving.out_line("received");
  CHECK(answer_with(receiving, "waiting") == "waiting for a connection on 127.0.0.1:" + port);
}

TEST_CASE("SIGUSR1: not even before the file can be opened does it kill") {
  const Folder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  PeerListener listener;
  Process sending(sockx({"send-file", folder / "fifo", "127.0.0.1:" + listener.port()}));
  wait_until_asked(sending);
  sending.signal(SIGUSR1);
  write_file(folder / "fifo", "content");
  auto peer = listener.accept();
  CHECK(peer.receive_all() == "content");
  peer.close();
  check_end(sending, exited(0));
}

TEST_CASE("SIGUSR1: a signal that ends the run still does, before and after") {
  Process process(sockx({"recv-file", "--discard", "127.0.0.1:0"}));
  port_of(process);
  process.signal(SIGUSR1);
  process.err_line("waiting for");
  process.signal(SIGTERM);
  check_end(process, killed_by(SIGTERM));
}

TEST_CASE("progress events: every second and at SIGUSR1, with the members of schema 1") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(4'000'000));
  Process receiving(sockx({"--json", "recv-file", "-o", folder / "copy", "127.0.0.1:0"}));
  const auto port = port_of(receiving);
  const auto waiting = event_with(receiving, "\"progress\"");
  CHECK(waiting.at("event") == "progress");
  CHECK(waiting.at("schema") == 1);
  CHECK(waiting.at("phase") == "listening");
  CHECK(waiting.at("address") == "127.0.0.1:" + port);
  CHECK(waiting.at("bytes") == 0);

  Process sending(sockx({"--json", "send-file", "--rate", "2M", file, "127.0.0.1:" + port}));
  const auto sent = json::parse(sending.err_line("\"progress\""));  // unasked
  CHECK(sent.at("schema") == 1);
  CHECK(sent.at("phase") == "sending");
  CHECK(sent.at("peer") == "127.0.0.1:" + port);
  CHECK(sent.at("file") == file);
  CHECK(sent.at("total") == 4'000'000);
  const auto bytes = sent.at("bytes").get<double>(), rate = sent.at("bytes_per_second").get<double>();
  CHECK(bytes > 0);
  CHECK(rate > 0);
  CHECK(sent.at("seconds_left").get<double>() == doctest::Approx((4e6 - bytes) / rate));

  const auto received = event_with(receiving, "\"receiving\"");
  CHECK(received.at("peer").get<std::string>().starts_with("127.0.0.1:"));
  CHECK_FALSE(received.contains("total"));
  CHECK_FALSE(received.contains("seconds_left"));
  check_end(sending, exited(0));
  check_end(receiving, exited(0));
  events_in(sending.err());
  events_in(receiving.err());
}

TEST_CASE("progress events: the receiver of several files names the one that is coming") {
  const Folder here, there;
  const auto first = write_file(here / "first", noise(5'000'000));
  const auto second = write_file(here / "second", "announced early, and sent late");
  Process receiving(
      sockx({"--json", "recv-file", "--verified", "--output-dir", there.path(), "127.0.0.1:0"}));
  Process sending(sockx({"send-file", "--verified", "--rate", "2M", first, second}) +
                  Words{"127.0.0.1:" + port_of(receiving)});
  CHECK(event_with(receiving, "\"file\"").at("file") == "first");
  check_end(sending, exited(0));
  check_end(receiving, exited(0));
}

TEST_CASE("progress events: --events FILE has them while people read lines") {
  const Folder folder;
  Process receiving(sockx({"--events", folder / "events", "recv-file", "--discard", "127.0.0.1:0"}));
  const auto port = port_of(receiving);
  CHECK(answer_with(receiving, "waiting") == "waiting for a connection on 127.0.0.1:" + port);
  const auto events = events_in(read_file(folder / "events"));
  CHECK(std::any_of(events.begin(), events.end(), [](const json& event) {
    return event.at("event") == "progress" && event.at("phase") == "listening";
  }));
}

/// The rows that were drawn, each in the place of the one before.
std::vector<std::string> rows_in(const std::string& shown) {
  std::vector<std::string> rows;
  const std::string begin = "\r", end = "\033[K\r";
  for (std::size_t at = 0;;) {
    const auto until = shown.find(end, at);
    if (until == std::string::npos) return rows;
    const auto from = shown.rfind(begin, until) + 1;
    rows.push_back(shown.substr(from, until - from));
    at = until + end.size();
  }
}

TEST_CASE("the bar takes one row of a terminal of any width, and follows it") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(1'000'000));
  for (const std::uint16_t columns : std::vector<std::uint16_t>{20, 50, 80, 200}) {
    CAPTURE(columns);
    Terminal terminal(columns);
    PeerListener listener;
    Process sending(
        sockx({"--log-level", "warn", "send-file", "--rate", "1M", file, "127.0.0.1:" + listener.port()}),
        {Stdio::null(), Stdio::pipe(), terminal.stream()});
    auto peer = listener.accept();
    const auto check_rows = [&](std::size_t most) {
      terminal.shown_with("#");
      const auto rows = rows_in(terminal.shown());
      REQUIRE_FALSE(rows.empty());
      for (const auto& row : rows) CHECK(row.size() <= most);
      CHECK_FALSE(contains(terminal.shown(), "\n"));
      terminal.forget();
    };
    check_rows(std::min(columns - 1, 120));
    terminal.resize(30);
    if (columns > 30) terminal.shown_with("\r\033[J");
    terminal.forget();
    check_rows(29);
    peer.close();
    sending.wait();
  }
}

TEST_CASE("--progress: the bar says what is waited for, then how far it is, and is wiped") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(2'000'000));
  Process sending(sockx({"send-file", "--progress", "--listen", "--rate", "4M", file, "127.0.0.1:0"}));
  const auto port = port_of(sending);
  const auto shown = [&](const std::string& words) {
    eventually(words, [&] { return contains(sending.err(), words); });
  };
  shown("\rwaiting for a connection on 127.0.0.1:" + port + "\033[K\r");
  auto peer = Peer::connect(port);
  CHECK(peer.receive(1'000'000).size() == 1'000'000);
  shown("% [################");
  shown(" s left");
  sending.signal(SIGUSR1);
  shown("\r\033[Ksending " + file + " to 127.0.0.1:");
  CHECK(peer.receive_all().size() == 1'000'000);
  shown("100% [" + std::string(79 - 47, '#') + "] waiting until 127.0.0.1:");
  peer.close();
  check_end(sending, exited(0));
  CHECK(sending.err().ends_with("\r\033[K"));
}

}  // namespace

}  // namespace test
