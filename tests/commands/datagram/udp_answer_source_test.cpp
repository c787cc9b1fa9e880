// sockx udp --listen: which address of a host with several an answer comes from.
#include <netinet/in.h>
#include <signal.h>

#include "../../support/datagram_peer.hpp"
#include "../../support/namespace.hpp"

namespace test {

namespace {

/// A host with 192.0.2.7, .8, .9 and 2001:db8::7, ::8, ::9. Whatever goes to .9 or ::9 comes from there too,
/// unless the sender says otherwise.
constexpr auto several_addresses =
    "for n in 7 8 9; do ip addr add 192.0.2.$n/32 dev lo; ip addr add 2001:db8::$n/128 dev lo nodad; done";

/// A listener in a namespace.
class Listener {
 public:
  Listener(const Namespace& net, const std::vector<std::string>& words,
           const std::vector<std::string>& endpoint = {"0"})
      : process_(net.within(sockx({"udp", "--listen"}) + endpoint + words), {Stdio::pipe()}),
        port_(udp_port_of(process_)) {}
  Process& process() { return process_; }
  const std::string& port() const { return port_; }

 private:
  Process process_;
  std::string port_;
};

/// A client at `from`, which hears only what comes from the address `to`.
std::unique_ptr<Process> client(const Namespace& net, const std::string& from, const std::string& to,
                                const std::string& port,
                                const std::vector<std::string>& words = {"--expect", "1"}) {
  return std::make_unique<Process>(
      net.within(sockx({"udp", to, port, "--source", from, "--reply-timeout", "20s"}) + words),
      Process::Options{Stdio::pipe()});
}

std::string ask(const Namespace& net, const std::string& from, const std::string& to,
                const std::string& port) {
  const auto asking = client(net, from, to, port);
  asking->feed("question\n");
  check_end(*asking, exited(0));
  return asking->out();
}

}  // namespace

TEST_SUITE("udp: the source of answers") {
  TEST_CASE(
      "udp: a handler answers from the address that was asked, over IPv4, IPv6 and both on one socket") {
    const Namespace net(several_addresses);
    if (!net.works()) return;
    Listener both(net, {"--handler", "echo"}), four(net, {"--handler", "upper"}, {"0.0.0.0", "0"}),
        six(net, {"--handler", "echo"}, {"::", "0"});
    CHECK(ask(net, "192.0.2.9", "192.0.2.7", both.port()) == "question\n");
    CHECK(ask(net, "2001:db8::9", "2001:db8::7", both.port()) == "question\n");
    CHECK(ask(net, "192.0.2.9", "192.0.2.7", four.port()) == "QUESTION\n");
    CHECK(ask(net, "2001:db8::9", "2001:db8::7", six.port()) == "question\n");
    CHECK(ask(net, "127.0.0.1", "127.0.0.5", both.port()) == "question\n");
  }

  TEST_CASE("udp: a link-local address that was asked answers, also to an address that is not of the link") {
    const Namespace net(
        "ip link add near type veth peer name far\n"
        "for n in 7 9; do ip addr add fe80::$n/64 dev near nodad; done\n"
        "ip addr add 2001:db8::9/64 dev near nodad\n"
        "ip link set near up; ip link set far up");
    if (!net.works()) return;
    Listener listener(net, {"--handler", "echo"});
    CHECK(ask(net, "fe80::9%near", "fe80::7%near", listener.port()) == "question\n");
    CHECK(ask(net, "2001:db8::9", "fe80::7%near", listener.port()) == "question\n");
  }

  TEST_CASE("udp: a peer that sends to two of our addresses has two programs, which answer from these") {
    const Namespace net(several_addresses);
    if (!net.works()) return;
    Listener listener(net, {"--sh", "while read line; do echo $SOCKX_LOCAL_ADDR $line $((n+=1)); done"});
    for (const std::string network : {"192.0.2.", "2001:db8::"}) {
      const auto from = network + "9";
      const auto source = contains(from, ":") ? "[" + from + "]:5001" : from + ":5001";
      CHECK(ask(net, source, network + "7", listener.port()) == network + "7 question 1\n");
      CHECK(ask(net, source, network + "8", listener.port()) == network + "8 question 1\n");
      CHECK(ask(net, source, network + "7", listener.port()) == network + "7 question 2\n");
    }
  }

  TEST_CASE("udp: standard input goes to a peer from the address that it last sent to") {
    const Namespace net(several_addresses);
    if (!net.works()) return;
    for (const std::string network : {"192.0.2.", "2001:db8::"}) {
      const auto from = network + "9";
      const auto source = contains(from, ":") ? "[" + from + "]:5001" : from + ":5001";
      for (const auto& reply_to : {std::string("last"), std::string("all"), source}) {
        INFO(reply_to);
        Listener listener(net, {"--reply", reply_to});
        for (const std::string host : {"7", "8"}) {
          const auto asking = client(net, source, network + host, listener.port());
          asking->feed("question " + host + "\n");
          listener.process().out_line("question " + host);
          listener.process().write("answer " + host + "\n");
          check_end(*asking, exited(0));
          CHECK(asking->out() == "answer " + host + "\n");
        }
      }
    }
  }

  TEST_CASE("udp: a train of answers comes from the address that was asked") {
    const Namespace net(several_addresses);
    if (!net.works()) return;
    for (const std::string network : {"192.0.2.", "2001:db8::"}) {
      Listener listener(net, {"--trace", "--handler", "echo"});
      const std::string sent(64 * 100, 'x');
      const auto asking = client(net, network + "9", network + "7", listener.port(),
                                 {"--framing", "size=100", "--expect", "64"});
      asking->feed(sent);
      check_end(*asking, exited(0));
      CHECK(asking->out() == sent);
      const auto train = listener.process().err_line("in pieces of 100");
      CHECK_MESSAGE(contains(train, " from " + network + "7"), train);
    }
  }

  TEST_CASE("udp: answers to one peer from two of our addresses are not in one train") {
    UdpListener listener({"--handler", "echo"});
    const DatagramPeer peer;
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(listener.port())));
    const std::string hosts = "556665656";  // the last bytes of 127.0.0.x
    listener.process().signal(SIGSTOP);     // so that all of them wait, and are answered together
    for (const char host : hosts) {
      to.sin_addr.s_addr = htonl(0x7f000000U + static_cast<unsigned>(host - '0'));
      REQUIRE(sendto(peer.fd(), &host, 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 1);
    }
    listener.process().signal(SIGCONT);
    for (const char host : hosts) {
      char bytes[8];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      REQUIRE(recvfrom(peer.fd(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size) == 1);
      CHECK(bytes[0] == host);
      CHECK((ntohl(from.sin_addr.s_addr) & 0xffU) == static_cast<unsigned>(host - '0'));
    }
  }

  TEST_CASE("udp: a meter reports from the address that the load came to") {
    const Namespace net(several_addresses);
    if (!net.works()) return;
    Listener meter(net, {"--measure"});
    for (const std::string network : {"192.0.2.", "2001:db8::"})
      run(net.within(sockx({"udp", "--generate", "100", "--datagrams", "10", "--source", network + "9",
                            network + "7", meter.port()})));
  }

  TEST_CASE("udp: a broadcast is answered from the address that the kernel chooses") {
    const Namespace net(
        "ip link add near type veth peer name far\n"
        "ip addr add 192.0.2.7/24 broadcast + dev near; ip addr add 192.0.2.9/24 dev near\n"
        "ip link set near up; ip link set far up");
    if (!net.works()) return;
    for (const auto& endpoint : {std::vector<std::string>{"0"}, {"0.0.0.0", "0"}}) {
      Listener listener(net, {"--trace", "--handler", "echo"}, endpoint);
      Process asking(net.within(sockx({"udp", "--broadcast", "--source", "192.0.2.9", "--expect", "1",
                                       "--reply-timeout", "20s", "192.0.2.255", listener.port()})),
                     {Stdio::pipe()});
      asking.feed("who?\n");
      check_end(asking, exited(0));
      CHECK(asking.out() == "who?\n");
      const auto sent = listener.process().err_line("sendmmsg");
      CHECK_MESSAGE(contains(sent, " = 1 ("), sent);  // the first call
      CHECK_MESSAGE(!contains(sent, " from "), sent);
    }
  }

  TEST_CASE("udp: when the address that was asked is gone, the kernel chooses another") {
    const Namespace net(several_addresses);
    if (!net.works()) return;
    for (const std::string network : {"192.0.2.", "2001:db8::"}) {
      Listener listener(net, {"--reply", "last"});
      // With --broadcast it is not connected, and so hears all.
      const auto asking =
          client(net, network + "9", network + "7", listener.port(), {"--expect", "1", "--broadcast"});
      asking->feed("question\n");
      listener.process().out_line("question");
      run(net.within(
          {"ip", "addr", "del", network + (network.front() == '1' ? "7/32" : "7/128"), "dev", "lo"}));
      listener.process().write("answer\n");
      check_end(*asking, exited(0));
      CHECK(asking->out() == "answer\n");
    }
  }

  TEST_CASE("udp: an inherited socket on every address answers from the one that was asked") {
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    REQUIRE(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    Process::Options options{.inherited = {socket.get()}};
    Process listener(
        sockx({"--json", "udp", "--listen", "--handler", "echo", "fd:" + std::to_string(socket.get())}),
        options);
    listener.err_line("\"listening\"");
    Process asking(sockx({"udp", "127.0.0.5", std::to_string(ntohs(address.sin_port)), "--source",
                          "127.0.0.1", "--expect", "1", "--reply-timeout", "20s"}),
                   {Stdio::pipe()});
    asking.feed("question\n");
    check_end(asking, exited(0));
    CHECK(asking.out() == "question\n");
  }

  TEST_CASE("udp: a listener on one address does not ask for the destination, and names no source") {
    UdpListener listener({"--trace", "--handler", "echo"}, {Stdio::pipe()}, {"127.0.0.1", "0"});
    DatagramPeer peer;
    peer.send("x", listener.port());
    CHECK(peer.receive().bytes == "x");
    listener.process().signal(SIGTERM);
    check_end(listener.process(), killed_by(SIGTERM));
    CHECK_FALSE(contains(listener.process().err(), "PKTINFO"));
    CHECK_FALSE(contains(listener.process().err(), " from 127.0.0.1)"));
  }
}

}  // namespace test
