// --mptcp: whether both sides use it, fall back where one does not, and move the same bytes.
#include <netinet/in.h>

#include "../support/namespace.hpp"
#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

bool has_mptcp() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
  if (!socket) MESSAGE("skipped: the kernel has no MPTCP");
  return static_cast<bool>(socket);
}

TEST_CASE("--mptcp: where both ends have it, it is in use, and both say so") {
  if (!has_mptcp()) return;
  Process listening(sockx({"listen", "-v", "--mptcp", "127.0.0.1", "0"}), {Stdio::pipe()});
  const auto port = port_of(listening);
  Process connecting(sockx({"connect", "-v", "--mptcp", "127.0.0.1", port}), {Stdio::pipe()});
  connecting.err_line("127.0.0.1:" + port + ": MPTCP is in use");
  listening.err_line(": MPTCP is in use");
  if (!is_missing("ss")) {
    const auto table = run({"ss", "-M", "-n", "-H", "state", "established"});
    std::size_t ours = 0;
    for (const auto& line : lines_of(table)) ours += contains(line, "127.0.0.1:" + port) ? 1 : 0;
    CHECK_MESSAGE(ours == 2, table);
  }
  connecting.close_input();
  listening.close_input();
  check_end(connecting, exited(0));
  check_end(listening, exited(0));
}

TEST_CASE("--mptcp: where the other end has none, the connection falls back to TCP, and -v says so") {
  if (!has_mptcp()) return;
  PeerListener listener;
  Process connecting(sockx({"connect", "-v", "--mptcp", "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  peer.send("hello");
  peer.finish();
  check_end(connecting, exited(0));
  CHECK(connecting.out() == "hello");
  CHECK(contains(connecting.err(), "the connection fell back to TCP"));

  Process listening(sockx({"listen", "-v", "--mptcp", "127.0.0.1", "0"}));
  auto client = Peer::connect(port_of(listening));
  client.send("hello");
  client.finish();
  check_end(listening, exited(0));
  CHECK(listening.out() == "hello");
  CHECK(contains(listening.err(), "the connection fell back to TCP"));
}

TEST_CASE("--mptcp: every method of a transfer moves the same bytes") {
  if (!has_mptcp()) return;
  const Folder folder;
  const auto content = noise(3'000'000);
  write_file(folder / "sent", content);
  for (const auto* method : {"sendfile", "read-write", "splice", "mmap"}) {
    CAPTURE(method);
    Process receiving(sockx({"recv-file", "--mptcp", "-o", folder / "received", "127.0.0.1", "0"}));
    Process sending(sockx({"send-file", "--mptcp", "--no-progress", "--method", method, folder / "sent",
                           "127.0.0.1", port_of(receiving)}));
    check_end(sending, exited(0));
    check_end(receiving, exited(0));
    CHECK(read_file(folder / "received") == content);
  }
  Process dropping(sockx({"recv-file", "--mptcp", "--discard", "--size", "3000000", "127.0.0.1", "0"}));
  Process sending(
      sockx({"send-file", "--mptcp", "--no-progress", folder / "sent", "127.0.0.1", port_of(dropping)}));
  check_end(sending, exited(0));
  check_end(dropping, exited(0));
}

TEST_CASE("--mptcp: a conversation through pipes, both ways, is whole") {
  if (!has_mptcp()) return;
  const auto there = noise(1'000'000), back = noise(1'000'000);
  Process listening(sockx({"listen", "--mptcp", "127.0.0.1", "0"}), {Stdio::pipe()});
  Process connecting(sockx({"connect", "--mptcp", "127.0.0.1", port_of(listening)}), {Stdio::pipe()});
  listening.feed(back);
  connecting.feed(there);
  check_end(connecting, exited(0));
  check_end(listening, exited(0));
  CHECK(connecting.out() == back);
  CHECK(listening.out() == there);
}

TEST_CASE("--mptcp: where the kernel has none, the line names it") {
  const Namespace without("echo 0 > /proc/sys/net/mptcp/enabled");
  if (!without.works()) return;
  for (const auto* command : {"connect", "listen"}) {
    Process process(without.within(sockx({command, "--mptcp", "127.0.0.1", "9"})));
    check_failure(process, 1, "--mptcp: the kernel has no MPTCP, or net.mptcp.enabled is 0");
  }
}

TEST_CASE("--mptcp: open and closed ports are told apart") {
  if (!has_mptcp()) return;
  PeerListener open;
  const HeldPort nobody;
  Process scanning(sockx({"connect", "--scan", "--mptcp", "127.0.0.1", open.port() + ',' + nobody.port()}));
  check_failure(scanning, 4, "1 of 2 ports is open");
  CHECK(scanning.out() == "127.0.0.1:" + open.port() + " open\nrefused: " + nobody.port() + '\n');
}

}  // namespace

}  // namespace test
