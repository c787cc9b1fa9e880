// Faults of the calls that move datagrams: none is altered or doubled, and what is no failure changes
// nothing.
#include <optional>

#include "../support/datagram_peer.hpp"
#include "injection.hpp"

namespace test {

namespace {

constexpr unsigned most_datagram_calls = 12;  // of a kind: those beyond are like those before

/// Lines of one size, so that trains are made of them.
std::string lines(int count) {
  std::string all;
  for (int i = 1000; i < 1000 + count; ++i) all += "line " + std::to_string(i) + '\n';
  return all;
}

/// sockx with a fault, and what the injector told of it.
struct Faulty {
  Faulty(const std::vector<std::string>& words, const std::string& fault) {
    Process::Options options{Stdio::pipe()};
    options.inherited = {report.fd()};
    options.environment = {"SOCKX_FAULT_REPORT=" + std::to_string(report.fd())};
    if (!fault.empty()) options.environment.push_back("SOCKX_FAULT=" + fault);
    std::vector<std::string> all{sockx_with_faults(), "--quiet"};
    process.emplace(all + words, options);
  }
  /// Waits for its end: one of the row's where it met the fault, and success where it did not. Returns the
  /// status.
  int check(const FaultRow& row) {
    const auto end = process->wait();
    auto right = has_reached() ? row.statuses : std::vector<int>{0};
    if (std::find(right.begin(), right.end(), end.status) == right.end())
      check_end(*process, exited(right.front()));
    const auto left = leaks();
    CHECK_MESSAGE(left.empty(), left);
    return end.status;
  }
  bool has_reached() const {
    const auto all = report.lines();
    return std::find(all.begin(), all.end(), "reached") != all.end();
  }
  std::string leaks() const {
    std::string found;
    for (const auto& line : report.lines())
      if (line.starts_with("open ")) found += line + '\n';
    return found;
  }
  InjectorReport report;
  std::optional<Process> process;
};

/// Meets each fault at the first, second, third... call, until there are no more, by `run`, which says
/// whether it was met.
template <class Run>
void meet_each(const std::vector<FaultRow>& rows, Run run) {
  unsigned injections = 0;
  for (const auto& row : rows)
    for (const auto& name : tried_of(row))
      for (unsigned number = 1; number <= most_datagram_calls; ++number) {
        if (!is_tried(number)) continue;
        const auto fault = row.key + ':' + std::to_string(number) + ':' + name;
        INFO(fault);
        if (!run(row, fault)) break;
        ++injections;
      }
  MESSAGE(injections, " injections");
  CHECK(injections > 0);
}

/// Whether `text` is made of some of the lines of `all`, each at most once and in their order.
bool is_part_of(const std::string& text, const std::string& all) {
  const auto some = lines_of(text), whole = lines_of(all);
  auto place = whole.begin();
  for (const auto& line : some) {
    place = std::find(place, whole.end(), line);
    if (place++ == whole.end()) return false;
  }
  return true;
}

}  // namespace

TEST_SUITE("faults: udp") {
  TEST_CASE("a client survives the fault of every call that moves datagrams") {
    UdpListener echo({"--handler", "echo"});
    const auto sent = lines(200);
    const std::vector<FaultRow> rows{
        {"sendmmsg@train", {"EINTR", "EAGAIN", "ENOBUFS", "ENOMEM", "EINVAL", "EIO", "EMSGSIZE"}},
        {"sendmmsg@train", {"ECONNREFUSED"}, {4}},
        {"recvmmsg@socket", {"EINTR", "EAGAIN", "short"}},
        {"recvmmsg@socket", {"ECONNREFUSED"}, {4, 0}},  // all replies may have come already
        {"recvmmsg@socket", {"ENOMEM"}, {1}},
        {"setsockopt@UDP_GRO", {"ENOPROTOOPT", "EINVAL"}},
        {"epoll_wait", {"EINTR", "nothing", "short"}},
    };
    meet_each(rows, [&](const FaultRow& row, const std::string& fault) {
      Faulty client({"udp", "127.0.0.1", echo.port(), "--expect", "200", "--reply-timeout", "20s"}, fault);
      client.process->feed(sent);
      if (client.check(row) == 0) CHECK(client.process->out() == sent);
      CHECK(is_part_of(client.process->out(), sent));
      return client.has_reached();
    });
  }

  TEST_CASE("datagrams that go one by one survive the fault of every call") {
    UdpListener echo({"--handler", "echo"});
    const std::string sent = "a\nbcd\nef\nghijk\n";  // each longer than the one before it, but one
    const std::vector<FaultRow> rows{
        {"sendmmsg@single", {"EINTR", "EAGAIN", "ENOBUFS", "short"}},
        {"sendmmsg@single", {"ECONNREFUSED"}, {4}},
        {"sendmmsg@single", {"EPERM"}, {8}},
        {"sendmmsg@single", {"EMSGSIZE"}, {11}},
    };
    meet_each(rows, [&](const FaultRow& row, const std::string& fault) {
      Faulty client({"udp", "127.0.0.1", echo.port(), "--send-flags", "dontroute", "--expect", "4",
                     "--reply-timeout", "20s"},
                    fault);
      client.process->feed(sent);
      if (client.check(row) == 0) CHECK(client.process->out() == sent);
      CHECK(is_part_of(client.process->out(), sent));
      return client.has_reached();
    });
  }

  TEST_CASE("a listener survives the fault of every call, and an error of one peer is not the end") {
    const std::vector<FaultRow> rows{
        {"recvmmsg@socket", {"EINTR", "EAGAIN", "short", "ECONNREFUSED", "EHOSTUNREACH"}},
        {"sendmmsg@single",
         {"EINTR", "EAGAIN", "ENOBUFS", "ECONNREFUSED", "EINVAL", "EPERM", "ENOENT", "EMSGSIZE"}},
        {"recvmmsg@socket", {"ENOMEM"}, {1}},
        {"epoll_wait", {"EINTR", "nothing", "short"}},
    };
    meet_each(rows, [&](const FaultRow& row, const std::string& fault) {
      const Folder folder;
      Faulty listener({"udp", "--listen", "--handler", "echo", "--datagrams", "3", "--port-file",
                       folder / "port", "127.0.0.1", "0"},
                      fault);
      const auto port = port_in(folder / "port");
      DatagramPeer peer;
      std::vector<std::string> answers;
      const bool loses_answers = row.key.starts_with("sendmmsg") && !fault.ends_with("EINTR") &&
                                 !fault.ends_with("EAGAIN") && !fault.ends_with("ENOBUFS") &&
                                 !fault.ends_with("ECONNREFUSED");  // which was of somebody else
      for (const std::string word : {"1", "two", "three"}) peer.send(word, port);  // no train is made of them
      const int status = listener.check(row);
      while (peer.has_more()) answers.push_back(peer.receive().bytes);
      if (status == 0 && !loses_answers) CHECK(answers == std::vector<std::string>{"1", "two", "three"});
      CHECK(answers.size() <= 3);
      return listener.has_reached();
    });
  }

  TEST_CASE("a listener on every address answers from the one that was asked after the fault of every call") {
    const std::vector<FaultRow> rows{
        {"sendmmsg@single", {"EINTR", "EAGAIN", "ENOBUFS", "ENETUNREACH", "ECONNREFUSED", "EINVAL"}}};
    meet_each(rows, [&](const FaultRow& row, const std::string& fault) {
      const Folder folder;
      Faulty listener(
          {"udp", "--listen", "--handler", "echo", "--datagrams", "3", "--port-file", folder / "port", "0"},
          fault);
      const auto port = port_in(folder / "port");
      const DatagramPeer peer;
      sockaddr_in asked{};
      asked.sin_family = AF_INET;
      asked.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
      asked.sin_addr.s_addr = htonl(0x7f000005);
      REQUIRE(connect(peer.fd(), reinterpret_cast<const sockaddr*>(&asked), sizeof asked) == 0);
      const std::vector<std::string> words{"1", "two", "three"};  // no train is made of them
      for (const auto& word : words) REQUIRE(send(peer.fd(), word.data(), word.size(), 0) > 0);
      CHECK(listener.check(row) == 0);
      std::vector<std::string> answers;
      for (char bytes[8]; answers.size() < words.size();) {
        const auto got = recv(peer.fd(), bytes, sizeof bytes, MSG_DONTWAIT);
        if (got < 0) break;
        answers.emplace_back(bytes, static_cast<std::size_t>(got));
      }
      CHECK(answers == words);
      return listener.has_reached();
    });
  }

  TEST_CASE("a listener with programs survives the fault of every call, which costs one peer at the most") {
    const std::vector<FaultRow> harmless{
        {"recvmmsg@socket", {"EINTR", "EAGAIN", "short"}},
        {"sendmmsg@single", {"EINTR", "EAGAIN", "ENOBUFS"}},
        {"read@pipe", {"EINTR", "EAGAIN", "short", "half"}},
        {"write@pipe", {"EINTR", "EAGAIN", "short", "half"}},
        {"epoll_wait", {"EINTR", "nothing", "short"}},
        {"waitpid", {"EINTR"}},
        {"close@pipe", {"EINTR"}},
    };
    const std::vector<FaultRow> costly{
        {"pipe2", {"EMFILE", "ENFILE"}, {0, 1}},  // 1 before it listens
        {"fork", {"EAGAIN", "ENOMEM"}},
        {"pidfd_open", {"EMFILE", "ENOMEM"}},
        {"write@pipe", {"EPIPE"}},
    };
    std::size_t least = 3;  // answers
    const auto serve = [&](const FaultRow& row, const std::string& fault) {
      const Folder folder;
      const auto port_file = folder / "port";
      Faulty listener({"udp", "--listen", "--datagrams", "3", "--port-file", port_file, "127.0.0.1", "0",
                       "--exec", "--", "cat"},
                      fault);
      eventually("it listens", [&] { return fs::exists(port_file) || !listener.process->is_running(); });
      if (!fs::exists(port_file)) {
        listener.check(row);
        return listener.has_reached();
      }
      const auto port = port_in(port_file);
      std::vector<DatagramPeer> peers(3);
      for (auto& peer : peers) peer.send("hello\n", port);
      CHECK(listener.check(row) == 0);
      std::size_t answered = 0;
      for (auto& peer : peers) {
        if (!peer.has_more()) continue;
        CHECK(peer.receive().bytes == "hello\n");
        ++answered;
      }
      CHECK(answered >= least);
      CHECK_FALSE(listener.process->left_others());
      return listener.has_reached();
    };
    meet_each(harmless, serve);
    least = 2;
    meet_each(costly, serve);
    least = 0;
    meet_each({{"child/dup2", {"EBUSY"}}}, serve);  // in each child
  }

  TEST_CASE("a generator and its meter survive the fault of every call") {
    const std::vector<FaultRow> rows{
        {"sendmmsg@train", {"EINTR", "EAGAIN", "ENOBUFS", "EINVAL", "EIO", "short"}},
        {"sendmmsg@train", {"ECONNREFUSED"}, {4}},
    };
    meet_each(rows, [&](const FaultRow& row, const std::string& fault) {
      UdpListener meter({"--measure", "--json"}, {Stdio::null()});
      Faulty generator({"udp", "--generate", "100", "--datagrams", "5000", "127.0.0.1", meter.port()}, fault);
      if (generator.check(row) == 0) {
        const auto line = meter.process().out_line("measured");
        CHECK(contains(line, "\"sent\":5000,"));
        CHECK(contains(line, "\"duplicated\":0,"));
      }
      return generator.has_reached();
    });
  }
}

}  // namespace test
