// sockx udp with other programs, both ways: what one datagram holds arrives as it is.
#include <array>

#include "../support/datagram_peer.hpp"

namespace test {

namespace {

/// How a program is called that receives on 127.0.0.1 at a port of the kernel's choice, and one that sends to
/// a port, which is added; and the most bytes of a datagram that it takes and gives.
struct DatagramProgram {
  std::string name;
  std::vector<std::string> receives, sends;
  std::size_t takes, gives;
};

const std::vector<DatagramProgram> programs{
    {"nc.openbsd",
     {"nc.openbsd", "-u", "-l", "127.0.0.1", "0"},
     {"nc.openbsd", "-u", "127.0.0.1"},
     16384,
     16384},
    {"ncat", {"ncat", "-u", "-l", "127.0.0.1", "0"}, {"ncat", "-u", "127.0.0.1"}, 65507, 8192},
    {"socat",
     {"socat", "-u", "-b", "70000", "UDP4-RECV:0,bind=127.0.0.1", "-"},
     {"sh", "-c", "socat -u -b 70000 - UDP4:127.0.0.1:$0"},
     65507,
     65507},
    {"python3",
     {"python3", "-c",
      "import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
      "s.bind(('127.0.0.1',0))\nwhile True:\n sys.stdout.buffer.write(s.recv(70000))\n"
      " sys.stdout.flush()"},
     {"python3", "-c",
      "import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
      "s.sendto(sys.stdin.buffer.read(),('127.0.0.1',int(sys.argv[1])))"},
     65507,
     65507}};

constexpr std::array<std::size_t, 6> datagram_sizes{0, 1, 1400, 8192, 16385, 65507};

}  // namespace

TEST_SUITE("interop: datagrams") {
  TEST_CASE("interop: datagrams of every size to other programs") {
    for (const auto& program : programs) {
      if (is_missing(program.name)) continue;
      for (const auto size : datagram_sizes) {
        if (size == 0 || size > program.takes) continue;  // what is empty ends some of them
        INFO(program.name, ", ", size);
        Process receiving(program.receives);
        const auto content = noise(size);
        Process sending(
            sockx({"udp", "127.0.0.1", udp_port_of(receiving), "--framing", "all", "--reply-timeout", "0"}),
            {Stdio::pipe()});
        sending.feed(content);
        check_end(sending, exited(0));
        eventually("it has arrived", [&] { return receiving.out_size() >= size; });
        CHECK(receiving.out() == content);
      }
    }
  }

  TEST_CASE("interop: datagrams of every size from other programs") {
    const Folder folder;
    for (const auto& program : programs) {
      if (is_missing(program.name)) continue;
      for (const auto size : datagram_sizes) {
        if ((size == 0 && program.name != "python3") || size > program.gives) continue;
        INFO(program.name, ", ", size);
        const auto content = noise(size);
        write_file(folder / "input", content);
        UdpListener listener({"--datagrams", "1"}, {Stdio::null()});
        Process sending(program.sends + std::vector<std::string>{listener.port()},
                        {Stdio::input(folder / "input")});
        check_end(listener.process(), exited(0));
        CHECK(listener.process().out() == content);
      }
    }
  }

  TEST_CASE("interop: a question and its answer, with sockx on either side") {
    const std::vector<std::string> echo{
        "python3", "-c",
        "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
        "s.bind(('127.0.0.1',0))\nwhile True:\n d,a=s.recvfrom(70000)\n s.sendto(d,a)"};
    Process python(echo);
    const auto content = noise(65507);
    Process asking(sockx({"udp", "127.0.0.1", udp_port_of(python), "--framing", "all", "--expect", "1"}),
                   {Stdio::pipe()});
    asking.feed(content);
    check_end(asking, exited(0));
    CHECK(asking.out() == content);
    UdpListener listener({"--handler", "echo"});
    for (const auto& program : {"nc.openbsd", "ncat"}) {
      if (is_missing(program)) continue;
      Process peer({program, "-u", "127.0.0.1", listener.port()}, {Stdio::pipe()});
      peer.write("hello\n");
      CHECK(peer.out_line("hello") == "hello");
    }
  }
}

}  // namespace test
