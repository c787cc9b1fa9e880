// The files that sockx writes beside the stream and for it, where another user can put something in their
// place.
#include "../support/peer.hpp"
#include "../support/shared_folder.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

TEST_CASE("no option that writes a file follows the symbolic link of another user in a shared folder") {
  if (cannot_act_for_others()) return;
  const Folder elsewhere;
  const SharedFolder folder;
  const auto precious = write_file(elsewhere / "precious", "precious");
  const auto planted = folder.plant_link("planted", precious);
  PeerListener listener;
  const Words endpoint{"127.0.0.1", listener.port()}, any_port{"127.0.0.1", "0"};
  std::vector<Words> commands{
      Words{"recv-file", "-o", planted} + any_port,
      Words{"recv-file", "--port-file", planted, "--discard"} + any_port,
      Words{"listen", "--port-file", planted} + any_port,
      Words{"listen", "--keep-open", "--handler", "echo", "--port-file", planted} + any_port,
      Words{"udp", "--listen", "--port-file", planted} + any_port,
      Words{"connect", "--log-file", planted} + endpoint,
      Words{"connect", "--events", planted} + endpoint,
      Words{"connect", "--tee-in", planted} + endpoint,
      Words{"connect", "--tee-out", planted} + endpoint,
      Words{"connect", "--hexdump=" + planted} + endpoint,
  };
  if (!is_missing("gnuplot"))
    commands.push_back({"send-file", "--compare", "--runs", "1", "--plot", planted, precious});
  for (const auto& words : commands) {
    Process process(sockx(words));
    CAPTURE(process.command());
    check_failure(process, 11,
                  "it is a symbolic link of another user in a directory that everybody can write to");
    CHECK(read_file(precious) == "precious");
    CHECK(fs::is_symlink(planted));
  }
  CHECK(elsewhere.size() == 1);
}

TEST_CASE(
    "recv-file -o: a file of another user with set-user-ID gives the new one neither that nor its owner") {
  if (cannot_act_for_others()) return;
  const Folder folder;
  const auto tool = write_file(folder / "tool", "old");
  REQUIRE(chown(tool.c_str(), somebody_else, somebody_else) == 0);
  REQUIRE(chmod(tool.c_str(), 04755) == 0);
  Process receiving(sockx({"recv-file", "-o", tool, "127.0.0.1", "0"}));
  auto peer = Peer::connect(port_of(receiving));
  peer.send("new");
  peer.finish();
  check_end(receiving, exited(0));
  struct stat status {};
  REQUIRE(stat(tool.c_str(), &status) == 0);
  CHECK(status.st_uid == geteuid());
  CHECK((status.st_mode & 07777) == 0755);
  CHECK(read_file(tool) == "new");
}

TEST_CASE("--tee-in and --events write to a pipe that the shell names by a descriptor") {
  for (const auto* option : {"--tee-in", "--events"}) {
    CAPTURE(option);
    PeerListener listener;
    Process shell({"bash", "-c", R"("$0" connect "$1" >(sed s/^/copied:/ >&2) --recv-only "$2")",
                   sockx_binary(), option, "127.0.0.1:" + listener.port()});
    auto peer = listener.accept();
    peer.send("content\n");
    peer.finish();
    shell.err_line("copied:");
    check_end(shell, exited(0));
  }
}

}  // namespace

}  // namespace test
